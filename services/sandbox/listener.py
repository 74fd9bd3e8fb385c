"""The listener, which can be closed and opened again, and resetting connections."""

import asyncio
import errno
import socket
import struct

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from shared.settings import SettingsError

BACKLOG = 1024
# SO_LINGER on, with no time: closing the socket then sends RST instead of FIN.
_NO_LINGER = struct.pack("ii", 1, 0)
_HOST_ERRORS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def reset(transport: asyncio.Transport | None) -> None:
    """Closes a connection with RST."""
    if transport is None or transport.is_closing():
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


class Listener:
    """A listening port that can be closed and opened again. Port 0 takes any free one, and keeps it.

    `variable` is the setting that errors name when the port cannot be used.
    """

    def __init__(self, runner: web.AppRunner, host: str, port: int, variable: str) -> None:
        self._runner = runner
        self._host = host
        self._variable = variable
        self._site: web.TCPSite | None = None
        self._lock = asyncio.Lock()
        self.port = port

    async def open(self) -> None:
        """Listens, if it does not yet. Raises SettingsError when the address cannot be used."""
        async with self._lock:
            if self._site is not None:
                return
            site = web.TCPSite(self._runner, self._host, self.port, backlog=BACKLOG)
            try:
                await site.start()
            except OSError as error:
                await site.stop()
                raise self._unusable(error) from error
            self._site, self.port = site, site.port

    async def close(self, asking: RequestHandler | None = None) -> None:
        """Stops listening, and resets every connection but that of the request that asks for it."""
        async with self._lock:
            if self._site is None:
                return
            await self._site.stop()
            self._site = None
        if self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection is not asking:
                    reset(connection.transport)

    def _unusable(self, error: OSError) -> SettingsError:
        wrong_host = isinstance(error, socket.gaierror) or error.errno in _HOST_ERRORS
        variable = "HERALD_SANDBOX_HOST" if wrong_host else self._variable
        return SettingsError(f"{variable}: {self._host}:{self.port} cannot be used: {error.strerror}")
