"""Opens connections to the provider: names are looked up once for many, and certificates are verified."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.dispatcher.provider_api.origin import ProviderOrigin

CONNECT_SECONDS = 5.0
# How long the addresses of a name are used before they are looked up again.
ADDRESS_SECONDS = 30.0

ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)


class NotConnected(Exception):
    """No connection was made. The message is short and names the step that failed."""


class Resolver:
    """The addresses of one host. Lookups at the same time share one, and known addresses outlive a failing lookup."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: list[str] = []
        self._until = 0.0
        self._lookup: asyncio.Task[list[str]] | None = None

    async def addresses(self) -> Sequence[str]:
        """Returns the addresses, the best first. Raises OSError when the name has none."""
        if self._known and asyncio.get_running_loop().time() < self._until:
            return self._known
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.create_task(self._look_up())
            self._lookup.add_done_callback(_note_error)
        # Shielded: the lookup is shared, and ends for all when it ends.
        return await asyncio.shield(self._lookup)

    def put_last(self, address: str) -> None:
        """Moves an address that did not answer behind the others."""
        if address in self._known:
            self._known.remove(address)
            self._known.append(address)

    def close(self) -> None:
        if self._lookup is not None:
            self._lookup.cancel()

    async def _look_up(self) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            if not self._known:
                raise
        else:
            fresh = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            # The order that dialling has found stays where the addresses do.
            self._known = [*(one for one in self._known if one in fresh), *(a for a in fresh if a not in self._known)]
        self._until = loop.time() + ADDRESS_SECONDS
        return self._known


class Dialer:
    """Opens connections to one origin, verifying its certificate by its host's name."""

    def __init__(self, origin: ProviderOrigin, *, seconds: float = CONNECT_SECONDS) -> None:
        self._origin = origin
        self._seconds = seconds
        self._resolver = Resolver(origin.host, origin.port)
        self._context = _tls() if origin.encrypted else None

    async def dial(self, make: Callable[[], ProtocolT]) -> ProtocolT:
        """Opens a connection to the first address that answers. Raises NotConnected."""
        try:
            async with asyncio.timeout(self._seconds):
                addresses = list(await self.addresses())
                return await self._first_of(addresses, make)
        except TimeoutError:
            raise NotConnected("no connection in time") from None
        except socket.gaierror as error:
            raise NotConnected(f"name not resolved: {_words(error)}") from error
        except ssl.SSLError as error:
            raise NotConnected(f"TLS failed: {_words(error)}") from error
        except (OSError, UnicodeError) as error:
            raise NotConnected(type(error).__name__) from error

    async def addresses(self) -> Sequence[str]:
        """Returns the addresses in the order in which they are tried. Raises OSError when the name has none."""
        return await self._resolver.addresses()

    def close(self) -> None:
        self._resolver.close()

    async def _first_of(self, addresses: Sequence[str], make: Callable[[], ProtocolT]) -> ProtocolT:
        """Tries the addresses in turn; each but the last has a share of the time, since it may never answer."""
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(self._seconds / len(addresses)):
                    return await self._open(address, make)
            except OSError:
                # A timeout is one, too.
                self._resolver.put_last(address)
        return await self._open(addresses[-1], make)

    async def _open(self, address: str, make: Callable[[], ProtocolT]) -> ProtocolT:
        loop, name = asyncio.get_running_loop(), self._origin.host if self._context else None
        _, protocol = await loop.create_connection(
            make, address, self._origin.port, ssl=self._context, server_hostname=name
        )
        return protocol


def _note_error(lookup: asyncio.Task[list[str]]) -> None:
    """Marks the error of a lookup as seen: whoever waited for it may have given up before it ended."""
    if not lookup.cancelled():
        lookup.exception()


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _words(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return str(reason)[:100]
