"""The client of the external send API: a message in, a reply out, and never an exception."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson

from services.dispatcher.replies import Reply, ReplyKind

LONGEST_BODY = 64 * 1024

# The kind of reply for each failure of the HTTP client. The first class that fits counts.
_FAILURES: tuple[tuple[type[BaseException], ReplyKind], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorError, "unreachable"),
    (aiohttp.ClientError, "broken"),
    (ssl.SSLError, "broken"),
    (OSError, "broken"),
    (ValueError, "broken"),
)


class Provider:
    """The send API, one message a call, over kept-alive connections. Their number has no limit of its own."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def send(self, message_id: int, phone: str, text: str, seconds: float) -> Reply:
        """Posts the message and returns the reply, after `seconds` at most. Every failure is a Reply, too."""
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


def _kind_of(error: BaseException) -> ReplyKind:
    return next(kind for cause, kind in _FAILURES if isinstance(error, cause))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < LONGEST_BODY:
        chunk = await response.content.read(LONGEST_BODY - len(body))
        if not chunk:
            return body
        body += chunk
    # The rest of a huge body is not read, so its connection cannot be used again.
    response.close()
    return body


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator[Provider]:
    """Opens the client session. The claim limits the number of requests at once, not the session."""
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
