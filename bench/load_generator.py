"""Sends requests to the API at a steady rate, however long the answers take: a mix of reads and single writes."""

import asyncio
import random
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp

from bench.percentiles import percentile

RATE = 200
_NUMBER = re.compile(r"(?<=/)\d+")
# No phone of the sample clients or of another bench begins like this.
FIRST_PHONE = 78_000_000_000


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request to the API."""

    method: str
    path: str
    body: dict[str, object] | None = None


@dataclass(slots=True)
class LoadTarget:
    """The ids that requests can read and change, and the last phone of a new client."""

    clients: Sequence[int]
    mailings: Sequence[int]
    drafts: Sequence[int]
    phones: int = FIRST_PHONE

    def new_phone(self) -> str:
        self.phones += 1
        return str(self.phones)


def draft() -> dict[str, object]:
    """Returns the body of a mailing that starts in a month and has no recipients."""
    start = datetime.now(UTC) + timedelta(days=30)
    end = start + timedelta(days=1)
    body = {"text": "Measured", "start_at": start.isoformat(), "end_at": end.isoformat(), "filter": {"tags": ["none"]}}
    return dict(body)


# The number of each call in a hundred: three reads to a write.
MIX: tuple[tuple[int, Callable[[LoadTarget], ApiCall]], ...] = (
    (20, lambda to: ApiCall("GET", f"/clients/{random.choice(to.clients)}")),
    (10, lambda to: ApiCall("GET", "/clients?limit=20")),
    (15, lambda to: ApiCall("GET", f"/mailings/{random.choice(to.mailings)}")),
    (15, lambda to: ApiCall("GET", f"/mailings/{random.choice(to.mailings)}/statistics")),
    (10, lambda to: ApiCall("GET", "/statistics")),
    (5, lambda to: ApiCall("GET", "/mailings?limit=20")),
    (10, lambda to: ApiCall("POST", "/clients", {"phone": to.new_phone(), "tag": "measured"})),
    (10, lambda to: ApiCall("PATCH", f"/clients/{random.choice(to.clients)}", {"tag": f"t{random.random():.6f}"})),
    (3, lambda _: ApiCall("POST", "/mailings", draft())),
    (2, lambda to: ApiCall("PATCH", f"/mailings/{random.choice(to.drafts)}", {"text": f"text {random.random():.6f}"})),
)


@dataclass(slots=True)
class ResponseTimes:
    """The milliseconds from sending a request to the end of its answer, by kind of call."""

    of: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: int = 0

    def figures(self) -> dict[str, float | int]:
        every = self._sorted("")
        return {
            "requests": len(every) + self.failures,
            "failures": self.failures,
            "p50_ms": percentile(every, 0.5),
            "p95_ms": percentile(every, 0.95),
            "p99_ms": percentile(every, 0.99),
            "reads_p99_ms": percentile(self._sorted("GET"), 0.99),
            "writes_p99_ms": percentile(self._sorted("P"), 0.99),
            "longest_ms": round(every[-1], 1) if every else 0.0,
        }

    def by_call(self) -> dict[str, dict[str, float]]:
        """Returns the median and the 99th percentile of each kind of call."""
        ordered = {kind: sorted(times) for kind, times in sorted(self.of.items())}
        return {
            kind: {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}
            for kind, times in ordered.items()
        }

    def _sorted(self, beginning: str) -> list[float]:
        return sorted(time for kind, times in self.of.items() if kind.startswith(beginning) for time in times)


async def run(session: aiohttp.ClientSession, target: LoadTarget, seconds: float, rate: float = RATE) -> ResponseTimes:
    """Sends `rate` requests a second for `seconds`. Each is sent at its moment, also while others are unanswered."""
    times, began, number = ResponseTimes(), time.perf_counter(), 0
    async with asyncio.TaskGroup() as group:
        while (moment := number / rate) < seconds:
            await asyncio.sleep(max(began + moment - time.perf_counter(), 0))
            group.create_task(_time(session, _choose(target), times))
            number += 1
    return times


def _choose(target: LoadTarget) -> ApiCall:
    (make,) = random.choices([make for _, make in MIX], [weight for weight, _ in MIX])
    return make(target)


async def _time(session: aiohttp.ClientSession, call: ApiCall, times: ResponseTimes) -> None:
    began = time.perf_counter()
    try:
        async with session.request(call.method, f"/api/v1{call.path}", json=call.body) as reply:
            await reply.read()
            ok = reply.status < 400
    except (aiohttp.ClientError, TimeoutError):
        ok = False
    if not ok:
        times.failures += 1
        return
    times.of[f"{call.method} {_NUMBER.sub('{id}', call.path)}"].append((time.perf_counter() - began) * 1000)


async def repeat(count: int, ask: Callable[[], Awaitable[object]]) -> dict[str, float]:
    """Calls `ask` one after the other, and returns the median and the 99th percentile in milliseconds."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    return {"p50_ms": percentile(sorted(took), 0.5), "p99_ms": percentile(sorted(took), 0.99)}
