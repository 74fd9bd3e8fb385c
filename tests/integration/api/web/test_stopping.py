"""A request that takes long does not hold up the end of the API."""

import asyncio
import gzip
import signal
import time
from collections.abc import AsyncIterator

import aiohttp

from shared.process import STOP_SECONDS
from tests.conftest import MakeStack
from tests.support.stack import Stack

# The work of minutes, were it not bounded: line ends, and lines that are refused.
BODIES = {"line ends": b"\n" * 10_000_000, "bad lines": b"phone\n" + b"nonsense\n" * 500_000}


async def upload(stack: Stack, body: bytes) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield body

    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    async with stack.api.post("/api/v1/clients/import", data=endless(), headers=headers) as reply:
        await reply.read()


async def test_an_upload_does_not_delay_the_end_of_the_process(make_stack: MakeStack) -> None:
    stack = await make_stack("api")
    uploads = [asyncio.create_task(upload(stack, gzip.compress(body))) for body in BODIES.values()]
    await asyncio.sleep(0.5)
    begun = time.monotonic()
    stack.process("api").kill(signal.SIGTERM)
    assert await stack.process("api").wait() == 0
    assert time.monotonic() - begun < STOP_SECONDS
    for ended in await asyncio.gather(*uploads, return_exceptions=True):
        assert ended is None or isinstance(ended, aiohttp.ClientError | ConnectionError)
