"""An answer that is kept for a moment."""

import asyncio

import pytest

from services.api.health.recent import Recent


async def test_those_who_ask_at_once_share_one_reading_and_later_ones_get_another() -> None:
    moment, reads = 0.0, 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return reads

    recent = Recent[int](1.0, lambda: moment)
    assert await asyncio.gather(*(recent.get(read) for _ in range(20))) == [1] * 20
    moment = 0.9
    assert await recent.get(read) == 1
    moment = 1.0
    assert await recent.get(read) == 2


async def test_a_failure_is_not_kept() -> None:
    async def fail() -> int:
        raise OSError("away")

    async def read() -> int:
        return 1

    recent = Recent[int](1.0)
    with pytest.raises(OSError, match="away"):
        await recent.get(fail)
    assert await recent.get(read) == 1
