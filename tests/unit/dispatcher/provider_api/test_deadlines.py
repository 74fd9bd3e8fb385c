"""Deadlines end requests in time, and never later than asked."""

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.provider_api.deadlines import SLOT_SECONDS, DeadlineWheel
from services.dispatcher.provider_api.pending_request import PendingRequest
from services.dispatcher.provider_api.replies import Reply
from tests.support.fakes import FakeClock
from tests.unit.dispatcher.provider_api.waiting_owner import WaitingOwner


def a_request(deadline: float) -> PendingRequest:
    return PendingRequest(b"", deadline, WaitingOwner())


class Ended:
    """Ends requests, and notes when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.moments: dict[PendingRequest, float] = {}
        self.last = asyncio.Event()

    def __call__(self, request: PendingRequest) -> None:
        self.moments[request] = self._clock()
        request.answer(Reply("timeout"))
        self.last.set()


async def test_each_ends_within_a_slot_before_its_deadline() -> None:
    loop = asyncio.get_running_loop()
    # A machine that stands still moves a timer: the loop's own lag is measured beside it.
    lags, ended = [], Ended(loop.time)
    wheel = DeadlineWheel(loop.time, ended)
    requests = [a_request(loop.time() + milliseconds / 1000) for milliseconds in (310, 55, 101, 0, 200, 55, 7)]
    for request in requests:
        wheel.add(request)
    while len(ended.moments) < len(requests):
        before = loop.time()
        await asyncio.sleep(0.005)
        lags.append(loop.time() - before - 0.005)
    for request in requests:
        assert request.deadline - SLOT_SECONDS - 0.002 <= ended.moments[request] <= request.deadline + max(lags) + 0.01
    wheel.close()


async def test_what_has_ended_before_is_left_alone() -> None:
    loop = asyncio.get_running_loop()
    ended = Ended(loop.time)
    wheel = DeadlineWheel(loop.time, ended)
    early, late = a_request(loop.time() + 0.05), a_request(loop.time() + 0.08)
    wheel.add(early)
    wheel.add(late)
    early.answer(Reply("answered"))
    await ended.last.wait()
    assert set(ended.moments) == {late}
    wheel.close()


async def test_a_machine_that_was_suspended_ends_what_is_overdue() -> None:
    # The loop's timers stood still meanwhile; the clock of the deadlines did not.
    clock = FakeClock(1000.0)
    ended = Ended(clock)
    wheel = DeadlineWheel(clock, ended)
    request = a_request(1600.0)
    wheel.add(request)
    clock.move_to(9999.0)
    async with asyncio.timeout(5):
        await ended.last.wait()
    assert ended.moments == {request: 9999.0}
    wheel.close()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 20), max_size=50), st.lists(st.floats(0, 5), max_size=20))
def test_at_any_moment_all_that_is_due_has_ended_and_nothing_else(deadlines: list[float], pauses: list[float]) -> None:
    async def run() -> None:
        clock = FakeClock(0.0)
        ended = Ended(clock)
        wheel = DeadlineWheel(clock, ended)
        requests = [a_request(deadline) for deadline in deadlines]
        for request in requests:
            wheel.add(request)
        moment = 0.0
        for pause in pauses:
            moment += pause
            clock.move_to(moment)
            wheel.look()
            for request in requests:
                assert (request in ended.moments) >= (request.deadline <= moment)
                assert (request in ended.moments) <= (request.deadline < moment + SLOT_SECONDS + 1e-6)
        wheel.close()

    asyncio.run(run())
