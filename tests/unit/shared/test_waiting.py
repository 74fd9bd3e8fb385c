"""Waits end when the part is back or the process must stop."""

import asyncio

import pytest

from shared.waiting import LONGEST_PAUSE, Backoff, Stopped, retry_through_outages, sleep_unless


class Flaky:
    """A call that fails `failures` times, then returns how often it was called."""

    def __init__(self, failures: int, error: Exception) -> None:
        self._failures = failures
        self._error = error
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return self.calls


def test_pauses_grow_to_their_limit_and_begin_anew_after_a_reset() -> None:
    backoff = Backoff()
    pauses = [backoff.next() for _ in range(20)]
    assert 0.16 <= pauses[0] <= 0.24
    assert all(LONGEST_PAUSE * 0.8 <= pause <= LONGEST_PAUSE * 1.2 for pause in pauses[-5:])
    backoff.reset()
    assert backoff.next() <= 0.24


async def test_a_part_that_comes_back_is_waited_for() -> None:
    seen: list[BaseException] = []
    flaky = Flaky(1, OSError("away"))
    assert await retry_through_outages(flaky, (OSError,), seen.append, asyncio.Event()) == 2
    assert [str(error) for error in seen] == ["away"]


async def test_what_is_no_outage_is_raised_at_once() -> None:
    flaky = Flaky(1, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        await retry_through_outages(flaky, (OSError,), lambda _: None, asyncio.Event())
    assert flaky.calls == 1


async def test_a_request_to_stop_ends_the_wait() -> None:
    stop = asyncio.Event()
    flaky = Flaky(1000, OSError("away"))
    with pytest.raises(Stopped):
        await retry_through_outages(flaky, (OSError,), lambda _: stop.set(), stop)
    assert flaky.calls == 1


async def test_a_sleep_ends_when_stop_is_set() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_soon(stop.set)
    async with asyncio.timeout(5):
        await sleep_unless(stop, 3600)


async def test_a_sleep_ends_by_itself() -> None:
    stop = asyncio.Event()
    await sleep_unless(stop, 0.001)
    assert not stop.is_set()


async def test_a_cancelled_task_ends_although_cleaning_up_hid_the_cancellation() -> None:
    async def work() -> None:
        backoff = Backoff()
        while True:
            try:
                try:
                    await asyncio.sleep(60)
                finally:
                    raise ConnectionError
            except ConnectionError:
                await asyncio.sleep(backoff.next())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,), timeout=5)
    assert task.cancelled()
