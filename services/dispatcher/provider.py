"""The external send API, as one call: a message in, a reply out, and never an exception."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson

from services.dispatcher.replies import Kind, Reply

LONGEST_BODY = 64 * 1024

# What each failure of the client means. The first class that fits counts.
_FAILURES: tuple[tuple[type[BaseException], Kind], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorError, "unreachable"),
    (aiohttp.ClientError, "broken"),
    (ssl.SSLError, "broken"),
    (OSError, "broken"),
    (ValueError, "broken"),
)


class Provider:
    """Sends one message a call, over kept-alive connections without a limit of their own."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url.rstrip("/")

    async def send(self, message_id: int, phone: str, text: str, seconds: float) -> Reply:
        """POST the message and wait `seconds` at most in all. Whatever goes wrong is a Reply, too."""
        try:
            async with self._session.post(
                f"{self._url}/send/{message_id}",
                data=orjson.dumps({"id": message_id, "phone": int(phone), "text": text}),
                timeout=aiohttp.ClientTimeout(total=seconds, ceil_threshold=60),
                allow_redirects=False,
            ) as response:
                body = await _read(response)
                return Reply(
                    "answered",
                    response.status,
                    body,
                    retry_after=response.headers.get("Retry-After"),
                    date=response.headers.get("Date"),
                )
        except tuple(kind for kind, _ in _FAILURES) as error:
            return Reply(_kind_of(error), detail=type(error).__name__)


def _kind_of(error: BaseException) -> Kind:
    return next(kind for cause, kind in _FAILURES if isinstance(error, cause))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < LONGEST_BODY:
        chunk = await response.content.read(LONGEST_BODY - len(body))
        if not chunk:
            return body
        body += chunk
    # The rest of a huge body is not worth reading: the connection goes with it.
    response.close()
    return body


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator[Provider]:
    """Opens the client session. The number of requests at once is limited by the claim, not in here."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": "herald",
            "Accept-Encoding": "identity",
        },
        auto_decompress=False,
    ) as session:
        yield Provider(session, url)
