"""Rows in which somebody publishes nonsense to Herald's queues."""

import asyncio
import json
from collections.abc import Callable, Sequence
from uuid import uuid4

import aio_pika
import pytest

from shared import topology
from tests.chaos.arena import Arena, Inflict
from tests.chaos.conftest import RunRow
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters

pytestmark = pytest.mark.timeout(ROW_SECONDS)

QUEUES = (
    topology.PLANNER_MAILINGS,
    topology.DISPATCHER_JOBS,
    "dispatcher.retry.1s",
    topology.REPORTER_RESULTS,
    topology.PLANNER_DEAD,
    topology.DISPATCHER_DEAD,
    topology.REPORTER_DEAD,
)
HUGE = 2**63 - 1
HIGHEST_ATTEMPT = 2**31 - 1

# Whatever the queue carries, none of these is one.
NONSENSE: Sequence[bytes] = (
    b"",
    b"\x00\xff\xfe",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"[" * 5000,
    b'{"version": 2}',
    b'{"version": 1, "message_id": "1", "mailing_id": 1, "client_id": 1, "attempt": 1}',
    b'{"version": 1, "message_id": 1e400, "mailing_id": 1, "client_id": 1, "attempt": 1}',
    b'{"version": 1, "message_id": 99999999999999999999, "mailing_id": 1, "client_id": 1, "attempt": 1}',
    b'{"version": 1, "message_id": 1, "mailing_id": 1, "client_id": 1, "attempt": 2147483648}',
    b'{"version": 1, "message_id": 1, "mailing_id": 1, "client_id": 1, "attempt": 0}',
    b'{"version": 1, "results": [{}]}',
    b'{"version": 1, "fence": "yesterday"}',
    b"x" * 1_000_000,
)


def job(message_id: int, attempt: int) -> bytes:
    return json.dumps({"message_id": message_id, "mailing_id": 1, "client_id": 1, "attempt": attempt}).encode()


def event(mailing_id: int) -> bytes:
    body = {"event_id": str(uuid4()), "event": "mailing.cancelled", "mailing_id": mailing_id}
    return json.dumps(body).encode()


def result(message_id: int, number: int, status: str = "sent") -> bytes:
    outcome = {"status": status, "outcome": "accepted", "started_at": "2030-01-01T00:00:00Z", "duration_ms": 1}
    ids = {"message_id": message_id, "mailing_id": 1, "client_id": 1, "number": number}
    return json.dumps({"results": [ids | outcome]}).encode()


def plausible(known: Sequence[int]) -> list[tuple[str, bytes]]:
    """Makes bodies of the right shape that must change nothing. `known` are ids of messages in flight."""
    bodies = [
        (topology.PLANNER_MAILINGS, event(HUGE)),
        (topology.DISPATCHER_JOBS, job(HUGE, 1)),
        (topology.REPORTER_RESULTS, result(HUGE, 1)),
        (topology.REPORTER_RESULTS, result(HUGE, HIGHEST_ATTEMPT)),
    ]
    for message_id in known:
        bodies += [
            (topology.DISPATCHER_JOBS, job(message_id, 1)),
            (topology.DISPATCHER_JOBS, job(message_id, HIGHEST_ATTEMPT)),
            ("dispatcher.retry.1s", job(message_id, HIGHEST_ATTEMPT)),
        ]
    return bodies


def forged(known: Sequence[int]) -> list[tuple[str, bytes]]:
    """Makes results of attempts that were never made, of messages that are there."""
    statuses = ("sent", "expired", "retrying")
    return [
        (topology.REPORTER_RESULTS, result(message_id, HIGHEST_ATTEMPT, status))
        for message_id in known
        for status in statuses
    ]


def nonsense(known: Sequence[int]) -> list[tuple[str, bytes]]:
    return [(queue, body) for queue in QUEUES for body in NONSENSE] + plausible(known)


def poison(make: Callable[[Sequence[int]], list[tuple[str, bytes]]]) -> Inflict:
    """Publishes what `make` makes for some messages in flight, once a second."""

    async def inflict(arena: Arena) -> None:
        running = set(arena.stack.pids())
        connection = await aio_pika.connect(arena.place.broker_url)
        async with connection, connection.channel() as channel:
            for _ in range(int(arena.seconds)):
                rows = await arena.pool.fetch("SELECT message_id FROM flights ORDER BY random() LIMIT 20")
                for queue, body in make([row["message_id"] for row in rows]):
                    await channel.default_exchange.publish(aio_pika.Message(body), queue)
                await asyncio.sleep(1)
        if gone := running - set(arena.stack.pids()):
            arena.broken.append(f"poison ended {sorted(gone)}")

    return inflict


ROWS: Sequence[Row] = (
    Row("poison in every queue", poison(nonsense), seconds=4, quick=True),
    Row("results of attempts never made", poison(forged), seconds=6),
)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_nonsense_in_a_queue_changes_nothing(run_row: RunRow, row: Row) -> None:
    await run_row(row)
