"""Every exchange, queue and binding, as one table. No other module names or declares them.

api ──mailing.*──▶ herald.mailings ──▶ planner.mailings
planner ──send──▶ herald.jobs ──▶ dispatcher.jobs ◀── (default exchange) ◀── dispatcher.retry.* ◀── herald.retry
dispatcher, planner ──result──▶ herald.results ──▶ reporter.results
api ──receipt──▶ herald.receipts ──▶ reporter.receipts ◀── (default exchange) ◀── reporter.receipts.retry ◀── reporter
rejected ──▶ herald.dead ──▶ planner.dead, dispatcher.dead, reporter.dead
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

MAILINGS, JOBS, RETRY, RESULTS, RECEIPTS, DEAD = (
    "herald.mailings",
    "herald.jobs",
    "herald.retry",
    "herald.results",
    "herald.receipts",
    "herald.dead",
)
PLANNER_MAILINGS = "planner.mailings"
DISPATCHER_JOBS = "dispatcher.jobs"
REPORTER_RESULTS = "reporter.results"
REPORTER_RECEIPTS, REPORTER_RECEIPTS_RETRY = "reporter.receipts", "reporter.receipts.retry"
PLANNER_DEAD, DISPATCHER_DEAD, REPORTER_DEAD = "planner.dead", "dispatcher.dead", "reporter.dead"
DEAD_QUEUES = (PLANNER_DEAD, DISPATCHER_DEAD, REPORTER_DEAD)
DeadQueue = Literal["planner.dead", "dispatcher.dead", "reporter.dead"]
SEND_KEY, RESULT_KEY, RECEIPT_KEY, RECEIPT_RETRY_KEY = "send", "result", "receipt", "retry"

# A receipt that came before the result of its send is looked at again after so long.
RECEIPT_DELAY = timedelta(seconds=15)

# It only stops crash loops. A closed channel counts as a delivery, too, so it must be far above the number of restarts.
DELIVERY_LIMIT = 1000

Argument = str | int | bool


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: Literal["direct", "topic"]


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    arguments: dict[str, Argument] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binding:
    exchange: str
    key: str
    queue: str


@dataclass(frozen=True, slots=True)
class Topology:
    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


def delay_name(delay: timedelta) -> str:
    """Formats a delay as in the name of a queue: 5s, 2m, 1h."""
    seconds = int(delay.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def retry_queue(delay: timedelta) -> str:
    """Returns the name of the retry queue of a delay, which is its routing key on herald.retry, too."""
    return f"dispatcher.retry.{delay_name(delay)}"


def _guarded(dead_queue: str, **more: Argument) -> dict[str, Argument]:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": DEAD,
        "x-dead-letter-routing-key": dead_queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": DELIVERY_LIMIT,
        **more,
    }


def _delayed(delay: timedelta, then: str) -> dict[str, Argument]:
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": int(delay.total_seconds() * 1000),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": then,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _capped(length: int) -> dict[str, Argument]:
    return {"x-queue-type": "quorum", "x-max-length": length, "x-overflow": "drop-head"}


def build(retry_delays: Sequence[timedelta]) -> Topology:
    """Builds the whole topology for these retry delays."""
    retries = [(delay, retry_queue(delay)) for delay in retry_delays]
    return Topology(
        exchanges=(
            Exchange(MAILINGS, "topic"),
            Exchange(JOBS, "direct"),
            Exchange(RETRY, "direct"),
            Exchange(RESULTS, "direct"),
            Exchange(RECEIPTS, "direct"),
            Exchange(DEAD, "direct"),
        ),
        queues=(
            Queue(PLANNER_MAILINGS, _capped(10_000)),
            Queue(DISPATCHER_JOBS, _guarded(DISPATCHER_DEAD)),
            *(Queue(name, _delayed(delay, DISPATCHER_JOBS)) for delay, name in retries),
            Queue(REPORTER_RESULTS, _guarded(REPORTER_DEAD, **{"x-single-active-consumer": True})),
            Queue(REPORTER_RECEIPTS, _guarded(REPORTER_DEAD)),
            Queue(REPORTER_RECEIPTS_RETRY, _delayed(RECEIPT_DELAY, REPORTER_RECEIPTS)),
            *(Queue(name, _capped(100_000)) for name in DEAD_QUEUES),
        ),
        bindings=(
            Binding(MAILINGS, "mailing.#", PLANNER_MAILINGS),
            Binding(JOBS, SEND_KEY, DISPATCHER_JOBS),
            *(Binding(RETRY, name, name) for _, name in retries),
            Binding(RESULTS, RESULT_KEY, REPORTER_RESULTS),
            Binding(RECEIPTS, RECEIPT_KEY, REPORTER_RECEIPTS),
            Binding(RECEIPTS, RECEIPT_RETRY_KEY, REPORTER_RECEIPTS_RETRY),
            *(Binding(DEAD, name, name) for name in DEAD_QUEUES),
        ),
    )
