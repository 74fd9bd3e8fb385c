"""What one token has open and leaves unfinished, and who else is served meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from services.api.web.shares import AT_WORK
from tests.integration.api.fakes import AUTHORIZED, Answered, Api


@asynccontextmanager
async def unfinished(api: Api, path: str, media: str, count: int) -> AsyncIterator[None]:
    """Begins requests whose bodies come to no end while the block runs."""
    begun, end = asyncio.Semaphore(0), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"phone":\n'
        begun.release()
        await end.wait()

    async def send() -> None:
        await api.client.post(f"/api/v1{path}", data=body(), headers=AUTHORIZED | {"Content-Type": media})

    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(send()) for _ in range(count)]
        stack.push_async_callback(asyncio.wait, tasks)
        for task in tasks:
            stack.callback(task.cancel)
        for _ in tasks:
            await begun.acquire()
        yield


async def until(status: int, send: Callable[[], Awaitable[Answered]]) -> Answered:
    """Repeats a request until it is answered with a status: what began before it may not be there yet, or still."""
    async with asyncio.timeout(10):
        while (answer := await send()).status != status:
            pass
    return answer


async def test_bodies_that_do_not_end_hold_up_no_other_request(api: Api) -> None:
    async with unfinished(api, "/clients", "application/json", AT_WORK + 1):
        async with asyncio.timeout(5):
            assert (await api.get("/clients")).status == 200


@pytest.mark.parametrize("path", ["/clients/import", "/clients/import/inspect", "/suppressions/import"])
async def test_a_token_may_have_eight_uploads_open_and_no_more(api: Api, path: str) -> None:
    headers = {"Content-Type": "text/csv"}
    async with unfinished(api, "/clients/import", "application/x-ndjson", 8):
        refused = await until(429, lambda: api.post(path, data=b"phone\n", headers=headers))
        assert refused.body["code"] == "too-many-open"
        assert (await api.get("/clients")).status == 200
    await until(200, lambda: api.post("/clients/import", data=b"phone\n", headers=headers))
