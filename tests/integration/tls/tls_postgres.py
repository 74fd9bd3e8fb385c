"""A relay that answers PostgreSQL's question for TLS, with a certificate or with a refusal."""

import asyncio
import ssl
import struct

from tests.support.relay import Relay

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class TlsPostgres(Relay):
    """Stands in front of a PostgreSQL without TLS and speaks it, or declines it without a `certificate`.

    `in_clear` is what clients sent in spite of that.
    """

    def __init__(self, url: str, certificate: ssl.SSLContext | None) -> None:
        super().__init__(url)
        self._offered = certificate
        self.in_clear = b""

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if await reader.readexactly(8) != SSL_REQUEST:
                raise AssertionError("a client asks for TLS first")
            if self._offered is None:
                writer.write(b"N")
                self.in_clear += await reader.read()
                writer.close()
                return
            writer.write(b"S")
            await writer.start_tls(self._offered)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        await super()._accept(reader, writer)
