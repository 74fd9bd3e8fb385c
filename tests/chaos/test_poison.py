"""Invalid and forged bodies in Herald's queues change nothing."""

import asyncio
import json
from collections.abc import Callable, Sequence
from uuid import uuid4

import aio_pika
import pytest

from shared import topology
from tests.chaos.conftest import RunExperiment
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import InjectFault, Rig

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

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

# The database can store the first, and no process can read the others back, or compute with them.
MOMENTS = ("2030-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59")

# None of these is a valid body of any queue.
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


def result(message_id: int, number: int, status: str = "sent", started_at: str = "2030-01-01T00:00:00Z") -> bytes:
    outcome = {"status": status, "outcome": "accepted", "started_at": started_at, "duration_ms": 1}
    ids = {"message_id": message_id, "mailing_id": 1, "client_id": 1, "number": number}
    return json.dumps({"results": [ids | outcome]}).encode()


def plausible(known: Sequence[int]) -> list[tuple[str, bytes]]:
    """Makes valid bodies that must change nothing. `known` are the ids of messages in flight."""
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
    """Makes results of attempts that were never made, for existing messages."""
    statuses = ("sent", "expired", "retrying")
    return [
        (topology.REPORTER_RESULTS, result(message_id, HIGHEST_ATTEMPT, status, moment))
        for message_id in known
        for status in statuses
        for moment in MOMENTS
    ]


def nonsense(known: Sequence[int]) -> list[tuple[str, bytes]]:
    return [(queue, body) for queue in QUEUES for body in NONSENSE] + plausible(known)


def poison(make: Callable[[Sequence[int]], list[tuple[str, bytes]]]) -> InjectFault:
    """Publishes once a second the bodies that `make` returns for some messages in flight."""

    async def inject(rig: Rig) -> None:
        running = set(rig.stack.pids())
        connection = await aio_pika.connect(rig.services.broker_url)
        async with connection, connection.channel() as channel:
            for _ in range(int(rig.seconds)):
                rows = await rig.pool.fetch("SELECT message_id FROM flights ORDER BY random() LIMIT 20")
                for queue, body in make([row["message_id"] for row in rows]):
                    await channel.default_exchange.publish(aio_pika.Message(body), queue)
                await asyncio.sleep(1)
        if gone := running - set(rig.stack.pids()):
            rig.violations.append(f"poison ended {sorted(gone)}")

    return inject


EXPERIMENTS: Sequence[Experiment] = (
    Experiment("poison in every queue", poison(nonsense), seconds=4, quick=True),
    Experiment("results of attempts never made", poison(forged), seconds=6),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_nonsense_in_a_queue_changes_nothing(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
