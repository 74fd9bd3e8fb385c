"""Opening and closing the listener, and dropping connections."""

import asyncio
import errno
import socket
import struct

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from shared.settings import SettingsError

BACKLOG = 1024
# On, with no time to linger: closing then sends RST instead of FIN.
_NO_LINGER = struct.pack("ii", 1, 0)
_HOST_ERRORS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def reset(transport: asyncio.Transport | None) -> None:
    """Drops a connection with RST, without a word."""
    if transport is None or transport.is_closing():
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


class Door:
    """A listener that can be closed and opened again on the same port, though it was asked for any free one.

    `variable` is the setting to name when the port cannot be used.
    """

    def __init__(self, runner: web.AppRunner, host: str, port: int, variable: str) -> None:
        self._runner, self._host, self._variable = runner, host, variable
        self._site: web.TCPSite | None = None
        self._turn = asyncio.Lock()
        self.port = port

    async def open(self) -> None:
        """Listens, if it does not yet. Raises SettingsError when the address cannot be used."""
        async with self._turn:
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
        """Stops listening and resets every connection but the one that asks for it."""
        async with self._turn:
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
