"""The client of the REST API: returns answers as JSON, and raises Failure for problems."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from cli.connections.addresses import Address, find_api, find_token
from cli.connections.transport import judge
from cli.failure import Failure
from shared.transport import LAST_PORT, weaknesses_of_http

Json = dict[str, Any]
# How many times a request is repeated after a 429.
MAX_RETRIES = 5
UNAUTHORIZED_HINT = "set HERALD_TOKEN, or run this command in the folder where `herald up` runs, or below it"
# Where in a request a wrong value was; a user of the commands has typed no body.
PLACES = frozenset({"body", "query"})
# What a field is called where it was typed.
OPTIONS = {
    ("filter", "operator_codes"): "--operator",
    ("filter", "tags"): "--tag",
    ("filter", "unsent_of"): "--unsent-of",
    ("filter", "segment"): "--segment",
    ("window",): "--window",
}
# A transfer may take any time, but must not stop for two minutes.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)


class ApiClient:
    """A client of the API. Every method raises Failure for an error status, and when the API does not answer."""

    def __init__(self, session: aiohttp.ClientSession, remedy: str = "check HERALD_API_URL") -> None:
        self._session = session
        self._remedy = remedy

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        return await self._json("GET", path, params=params)

    async def post(self, path: str, body: Json | None = None) -> Json:
        return await self._json("POST", path, json=body)

    async def patch(self, path: str, body: Json) -> Json:
        return await self._json("PATCH", path, json=body)

    async def delete(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """Returns the answer, which is empty for a 204."""
        return await self._json("DELETE", path, params=params)

    async def upload(self, path: str, content: AsyncIterator[bytes], content_type: str, params: Json) -> Json:
        """Posts a body of any size as a stream. It is never repeated."""
        headers = {"Content-Type": content_type}
        return await self._json("POST", path, data=content, headers=headers, params=params)

    async def download(self, path: str, accept: str, params: Mapping[str, str] | None = None) -> AsyncIterator[bytes]:
        """Yields the chunks of an answer of any size."""
        try:
            async with self._session.get(f"/api/v1{path}", headers={"Accept": accept}, params=params) as reply:
                await _require_success(reply)
                async for chunk in reply.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _json(self, method: str, path: str, **arguments: Any) -> Json:
        """Sends a request and returns the answer. Repeats it after a 429, except an upload, whose stream is used up."""
        for _ in range(0 if "data" in arguments else MAX_RETRIES):
            answer, pause = await self._send(method, path, arguments)
            if pause is None:
                return answer
            await asyncio.sleep(pause)
        return (await self._send(method, path, arguments, may_repeat=False))[0]

    async def _send(
        self, method: str, path: str, arguments: Json, *, may_repeat: bool = True
    ) -> tuple[Json, float | None]:
        """Returns the answer, or the seconds to wait before the request is repeated."""
        try:
            async with self._session.request(method, f"/api/v1{path}", **arguments) as reply:
                if may_repeat and reply.status == 429:
                    return {}, seconds_of(reply.headers.get("Retry-After"))
                await _require_success(reply)
                return {} if reply.status == 204 else await reply.json(), None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Failure:
        detail = str(error) or type(error).__name__
        return Failure(f"the API does not answer ({detail}): {self._remedy}")


@asynccontextmanager
async def open_api(url: str | None = None, token: str | None = None) -> AsyncIterator[ApiClient]:
    """Opens a client of the API at `url`, by default of that of the settings or of the stack of this folder."""
    found = find_api() if url is None else Address(url, "check that it runs")
    token = token or find_token(found.url)
    if token and re.fullmatch(r"[\x21-\x7e]+", token) is None:
        raise Failure("HERALD_TOKEN: a token is visible ASCII without spaces or line breaks", code=2)
    _check_url(found.url)
    if token:
        judge(weaknesses_of_http(found.url, "api", "HERALD_API_URL"))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(found.url, headers=headers, timeout=_TIMEOUT) as session:
        yield ApiClient(session, found.remedy)


def _check_url(text: str) -> None:
    """Raises Failure unless requests can be sent to a URL."""
    try:
        url = URL(text)
        usable = url.scheme in ("http", "https") and bool(url.host) and 0 < (url.port or 0) <= LAST_PORT
    except ValueError:
        usable = False
    if not usable:
        raise Failure("HERALD_API_URL: it is not a URL like https://herald.example.org", code=2)


def seconds_of(retry_after: str | None) -> float:
    """Parses a Retry-After in seconds. Returns a minute at most, and a second if there is none."""
    return min(float(retry_after), 60.0) if retry_after and retry_after.isdecimal() else 1.0


async def _require_success(reply: aiohttp.ClientResponse) -> None:
    if reply.ok:
        return
    try:
        problem = await reply.json(content_type=None)
    except ValueError:
        problem = None
    raise Failure(describe(reply.status, problem if isinstance(problem, dict) else {}))


def describe(status: int, problem: Json) -> str:
    """Formats a problem+json document as one line."""
    errors = "; ".join(_describe_error(error) for error in problem.get("errors") or [])
    if errors and status == 422:
        return errors
    text = str(problem.get("detail") or problem.get("title") or f"the API answered with status {status}")
    if status == 401:
        text = f"{text.rstrip('.')}: {UNAUTHORIZED_HINT}"
    lacking = "; ".join(_describe_lack(one) for one in problem.get("missing_values") or [])
    more = "; ".join(filter(None, (errors, lacking)))
    return f"{text.rstrip('.')}: {more}" if more else text


def _describe_lack(lack: Json) -> str:
    return f"without {lack.get('name')} are {', '.join(lack.get('phones') or [])}"


def _describe_error(error: Json) -> str:
    parts = [str(part) for part in error.get("loc") or [] if part not in PLACES]
    option = next((named for beginning, named in OPTIONS.items() if tuple(parts[: len(beginning)]) == beginning), None)
    place = option or ".".join(parts)
    return f"{place} {error.get('msg')}" if place else str(error.get("msg"))
