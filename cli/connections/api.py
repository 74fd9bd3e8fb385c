"""The REST API as the commands see it: answers as JSON, and problems as failures."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from cli.failure import Failure
from cli.settings import ClientSettings, find_token
from shared import settings

Json = dict[str, Any]
# How often a command waits because the API says that its token asks too often.
MOST_WAITS = 5
# A transfer may take as long as it likes, but not fall silent.
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)


class ApiClient:
    """A client of the API. Every method raises Failure when the answer is not what was asked for."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        return await self._json("GET", path, params=params)

    async def post(self, path: str, body: Json | None = None) -> Json:
        return await self._json("POST", path, json=body)

    async def delete(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        return await self._json("DELETE", path, params=params)

    async def upload(self, path: str, content: AsyncIterator[bytes], content_type: str, params: Json) -> Json:
        """Streams a body of any size."""
        headers = {"Content-Type": content_type}
        return await self._json("POST", path, data=content, headers=headers, params=params)

    async def download(self, path: str, accept: str) -> AsyncIterator[bytes]:
        """Streams an answer of any size."""
        try:
            async with self._session.get(f"/api/v1{path}", headers={"Accept": accept}) as reply:
                await _require_success(reply)
                async for chunk in reply.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _json(self, method: str, path: str, **arguments: Any) -> Json:
        """Asks, and asks again as often as the API says that it was only too often. An upload cannot be sent twice."""
        for _ in range(0 if "data" in arguments else MOST_WAITS):
            answer, wait = await self._ask(method, path, arguments)
            if wait is None:
                return answer
            await asyncio.sleep(wait)
        return (await self._ask(method, path, arguments, patient=False))[0]

    async def _ask(self, method: str, path: str, arguments: Json, *, patient: bool = True) -> tuple[Json, float | None]:
        """Returns the answer, or how many seconds to wait before asking again."""
        try:
            async with self._session.request(method, f"/api/v1{path}", **arguments) as reply:
                if patient and reply.status == 429:
                    return {}, seconds_of(reply.headers.get("Retry-After"))
                await _require_success(reply)
                return await reply.json(), None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Failure:
        reason = str(error) or type(error).__name__
        return Failure(f"no answer from the API ({reason}): does it run, and is HERALD_API_URL right?")


@asynccontextmanager
async def open_api(url: str | None = None, token: str | None = None) -> AsyncIterator[ApiClient]:
    """Opens a client on the API of the settings, or on the given one."""
    config = settings.load(ClientSettings)
    token = token or find_token(config)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        session = aiohttp.ClientSession(url or config.api_url, headers=headers, timeout=_PATIENCE)
    except ValueError as error:
        raise Failure(f"HERALD_API_URL: {error}", code=2) from error
    async with session:
        yield ApiClient(session)


def seconds_of(retry_after: str | None) -> float:
    """Reads a Retry-After in seconds, as the API writes it; at most a minute, and a second where it says nothing."""
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
    """Say in one line what a problem+json document says."""
    text = str(problem.get("detail") or problem.get("title") or f"the API answered with status {status}")
    errors = "; ".join(_describe_error(error) for error in problem.get("errors") or [])
    if status == 401:
        text += " (set HERALD_TOKEN)"
    return f"{text.rstrip('.')}: {errors}" if errors else text


def _describe_error(error: Json) -> str:
    place = ".".join(str(part) for part in error.get("loc") or [])
    return f"{place}: {error.get('msg')}" if place else str(error.get("msg"))
