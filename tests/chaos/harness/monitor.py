"""Watches a running experiment: the provider's ledger, the API, the messages in flight and the database sessions."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
import asyncpg

from tests.support.stack import Stack

SAMPLE_SECONDS = 0.25
# A rate is measured over this many seconds; a shorter span is noise.
SPAN_SECONDS = 2.0
LOAD = """
    SELECT
        (
            SELECT count(*) FROM flights WHERE released_at IS NOT NULL AND due_at <= now() AND failures = 0
        ) AS in_flight,
        (
            SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'herald'
        ) AS sessions
"""


@dataclass
class RateSamples:
    """Samples of a counter as (moment, count); moments are seconds on the loop's clock."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    def add(self, moment: float, count: int) -> None:
        self.samples.append((moment, count))

    def best(self, since: float, until: float) -> float:
        """Returns the highest rate of any span between two moments, in counts a second."""
        return max((rate for _, rate in self._spans(since, until)), default=0.0)

    def back_at(self, since: float, rate: float) -> float | None:
        """Returns the beginning of the first span after `since` with at least this rate, or None."""
        return next((moment for moment, found in self._spans(since, float("inf")) if found >= rate), None)

    def _spans(self, since: float, until: float) -> list[tuple[float, float]]:
        inside = [sample for sample in self.samples if since <= sample[0] <= until]
        spans = []
        ahead = 0
        for moment, count in inside:
            while ahead < len(inside) and inside[ahead][0] < moment + SPAN_SECONDS:
                ahead += 1
            if ahead == len(inside):
                break
            last, after = inside[ahead]
            spans.append((moment, (after - count) / (last - moment)))
        return spans


class Monitor:
    """Samples the system while the block runs."""

    def __init__(self, stack: Stack, pool: asyncpg.Pool) -> None:
        self.stack = stack
        self._pool = pool
        self.sent = RateSamples()
        # Each answer of the API as (asked at, status, seconds); status 0 stands for no answer.
        self.answers: list[tuple[float, int, float]] = []
        self.max_in_flight = 0
        self.max_sessions = 0

    async def __aenter__(self) -> Self:
        samplers = (self._sample_ledger, self._ask_api, self._sample_load)
        self._tasks = [asyncio.create_task(_repeat(sampler)) for sampler in samplers]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def slowest_answer(self, since: float, until: float) -> float:
        """Returns the seconds of the API's slowest answer to a request made between two moments."""
        return max((seconds for asked, _, seconds in self.answers if since <= asked <= until), default=0.0)

    def failed_answers(self, since: float, until: float) -> int:
        """Counts the requests between two moments that the API did not answer with 200."""
        return sum(status != 200 for asked, status, _ in self.answers if since <= asked <= until)

    async def _sample_ledger(self) -> None:
        async with self.stack.sandbox.get("/ledger") as reply:
            ledger = await reply.json()
        self.sent.add(asyncio.get_running_loop().time(), ledger["unique"])

    async def _ask_api(self) -> None:
        loop = asyncio.get_running_loop()
        asked, status = loop.time(), 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.stack.api.get("/api/v1/statistics") as reply:
                status = await _status_of(reply)
        self.answers.append((asked, status, loop.time() - asked))

    async def _sample_load(self) -> None:
        # Retries that become due are not counted: they are on the broker already, beyond what the planner releases.
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            row = await self._pool.fetchrow(LOAD, timeout=5)
            assert row is not None
            self.max_in_flight = max(self.max_in_flight, row["in_flight"])
            self.max_sessions = max(self.max_sessions, row["sessions"])


async def _status_of(reply: aiohttp.ClientResponse) -> int:
    """Returns the status of an answer, or 0 if its statistics do not add up."""
    if reply.status != 200:
        return reply.status
    messages = (await reply.json())["messages"]
    total = messages.pop("total")
    return 200 if sum(messages.values()) == total else 0


async def _repeat(sampler: Callable[[], Awaitable[None]]) -> None:
    while True:
        await sampler()
        await asyncio.sleep(SAMPLE_SECONDS)
