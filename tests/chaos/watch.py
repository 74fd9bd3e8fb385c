"""What is watched while a row runs: the provider's ledger, the API, and the messages in flight."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
import asyncpg

from tests.support.stack import Stack

LOOK_SECONDS = 0.25
# A rate is measured over so long; shorter is noise.
SPAN_SECONDS = 2.0
# I8: back at this share of the rate before.
BACK = 0.9
LOAD = """
    SELECT
        (SELECT count(*) FROM flights WHERE released_at IS NOT NULL AND due_at <= now() AND failures = 0),
        (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'herald')
"""


@dataclass
class Rate:
    """Looks at a counter, again and again. Moments are seconds on the loop's clock."""

    looks: list[tuple[float, int]] = field(default_factory=list)

    def add(self, moment: float, count: int) -> None:
        self.looks.append((moment, count))

    def best(self, since: float, until: float) -> float:
        """Returns the highest rate over a span between two moments, in counts a second."""
        return max((rate for _, rate in self._spans(since, until)), default=0.0)

    def back_at(self, since: float, rate: float) -> float | None:
        """Returns when, at `since` or later, a span began that had so high a rate; None if none did."""
        return next((moment for moment, found in self._spans(since, float("inf")) if found >= rate), None)

    def _spans(self, since: float, until: float) -> list[tuple[float, float]]:
        inside = [look for look in self.looks if since <= look[0] <= until]
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


class Watches:
    """Watch while the block runs."""

    def __init__(self, stack: Stack, pool: asyncpg.Pool) -> None:
        self.stack, self._pool = stack, pool
        self.sent = Rate()
        self.answers: list[tuple[float, int, float]] = []
        self.most_in_flight = 0
        self.most_sessions = 0

    async def __aenter__(self) -> Self:
        looks = (self._look_at_ledger, self._ask_api, self._look_at_flights)
        self._tasks = [asyncio.create_task(_again(look)) for look in looks]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def slowest(self, since: float, until: float) -> float:
        """Returns how long the slowest answer of the API took of those asked for between two moments."""
        return max((seconds for asked, _, seconds in self.answers if since <= asked <= until), default=0.0)

    def refused(self, since: float, until: float) -> int:
        """Counts what the API did not answer with 200; 0 is no answer at all."""
        return sum(status != 200 for asked, status, _ in self.answers if since <= asked <= until)

    async def _look_at_ledger(self) -> None:
        async with self.stack.sandbox.get("/ledger") as reply:
            ledger = await reply.json()
        self.sent.add(asyncio.get_running_loop().time(), ledger["unique"])

    async def _ask_api(self) -> None:
        loop = asyncio.get_running_loop()
        asked, status = loop.time(), 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.stack.api.get("/api/v1/statistics") as reply:
                status = await _judge(reply)
        self.answers.append((asked, status, loop.time() - asked))

    async def _look_at_flights(self) -> None:
        # Retries that fall due come on top of what the planner lets out: they are on the broker already.
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            in_flight, sessions = await self._pool.fetchrow(LOAD, timeout=5) or (0, 0)
            self.most_in_flight = max(self.most_in_flight, in_flight)
            self.most_sessions = max(self.most_sessions, sessions)


async def _judge(reply: aiohttp.ClientResponse) -> int:
    """Returns the status, or 0 for statistics that do not add up."""
    if reply.status != 200:
        return reply.status
    messages = (await reply.json())["messages"]
    total = messages.pop("total")
    return 200 if sum(messages.values()) == total else 0


async def _again(look: Callable[[], Awaitable[None]]) -> None:
    while True:
        await look()
        await asyncio.sleep(LOOK_SECONDS)
