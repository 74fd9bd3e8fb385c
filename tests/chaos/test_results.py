"""Messages survive results that are lost, that do not come, or that cannot be folded for long."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aio_pika
import pytest

from services.planner.closing.rules import CLIENT_DELETED
from shared import topology
from shared.messages import Result, Results, encode
from tests.chaos.conftest import RunExperiment
from tests.chaos.faults import broker
from tests.chaos.faults.processes import kill
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import LATENCY_MS, Requirement, Rig
from tests.support.mailing_rows import add_clients
from tests.support.polling import until

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

PRIVATE = frozenset({Requirement.PRIVATE_BROKER})
# A cancel or a delete closes the books a minute later, whatever does not come; and the planner needs a moment.
CLOSED_SECONDS = 65
VICTIMS = 60
MEBIBYTE = 1024 * 1024
# Much less than the bodies of so many reconnects.
MOST_GROWTH = 25 * MEBIBYTE
RECONNECTS = 12


async def results_purged(rig: Rig) -> None:
    """Purges the results while the reporter is away: all of them are lost under living dispatchers."""
    await kill(rig, "reporter")
    await asyncio.sleep(rig.seconds)
    await broker.control(rig.node, "purge_queue", topology.REPORTER_RESULTS)
    await rig.remember_held_claims(None)
    await rig.stack.process("reporter").start()


async def results_do_not_come(rig: Rig) -> None:
    """Cancels a mailing, deletes another and deletes clients of a third while the reporter is away."""
    await kill(rig, "reporter")
    tags = ("cancelled", "deleted", "clients")
    ids = [await add_clients(rig.pool, VICTIMS, tag=tag, first=(3 + n) * 1_000_000) for n, tag in enumerate(tags)]
    mailings = [await rig.operator.create_mailing(filter={"tags": [tag]}, lasts=7200) for tag in tags]
    for mailing_id in mailings:
        await until_claimed(rig, mailing_id)
    await rig.operator.post(f"/mailings/{mailings[0]}/cancel")
    await rig.operator.delete(f"/mailings/{mailings[1]}")
    for client_id in ids[2]:
        await rig.operator.delete(f"/clients/{client_id}")

    async def closed() -> bool:
        unsent = "SELECT sum(pending + retrying) FROM mailing_counts WHERE mailing_id = ANY ($1::bigint[])"
        return bool(await rig.pool.fetchval(unsent, mailings) == 0)

    try:
        await until(closed, CLOSED_SECONDS, "what was cancelled or deleted is closed")
    except AssertionError as error:
        rig.violations.append(f"I1 {error}")
    await rig.stack.process("reporter").start()


async def results_again_after_resend(rig: Rig) -> None:
    """Has every message refused, sends them again, and has the refusals delivered once more before the new requests."""
    await add_clients(rig.pool, VICTIMS, tag="victim", first=3_000_000)
    await rig.operator.set_faults(latency_ms=LATENCY_MS, modes={"reject400": 1.0})
    mailing_id = await rig.operator.create_mailing(filter={"tags": ["victim"]}, lasts=7200)
    rig.others.add(mailing_id)
    await rig.operator.until_counts(mailing_id, 30, rejected=VICTIMS)
    await rig.operator.set_faults(latency_ms=LATENCY_MS)
    refused = await read_refusals(rig, mailing_id)
    await rig.operator.post(f"/mailings/{mailing_id}/resend", {"statuses": ["rejected"]}, status=202)
    # So that the refusals come before the requests of the new round.
    await rig.operator.post(f"/mailings/{mailing_id}/pause")

    async def reopened() -> bool:
        return "rejected" not in await rig.operator.counts(mailing_id)

    await until(reopened, 30, "the messages are pending again")
    await publish_results(rig, refused)
    await asyncio.sleep(rig.seconds / 2)
    counts = await rig.operator.counts(mailing_id)
    rig.notes.append(f"{counts.get('pending', 0)} of {VICTIMS} had no request of the new round yet")
    if "rejected" in counts:
        rig.violations.append(f"I1 results of the round before made {counts}")
    await rig.operator.post(f"/mailings/{mailing_id}/resume")
    await rig.operator.until_counts(mailing_id, 30, sent=VICTIMS)
    await rig.operator.post(f"/mailings/{rig.main}/resend", {"statuses": ["rejected"]}, status=202)


async def read_refusals(rig: Rig, mailing_id: int) -> list[Result]:
    rows = await rig.pool.fetch(
        """
        SELECT message_id, a.mailing_id, client_id, number, 'rejected' AS status, outcome, a.started_at, a.duration_ms,
            a.http_status, reason
        FROM attempts a JOIN messages m ON m.id = a.message_id WHERE a.mailing_id = $1
        """,
        mailing_id,
    )
    return [Result(**row) for row in rows]


async def publish_results(rig: Rig, results: Sequence[Result]) -> None:
    """Publishes results, each three times."""
    connection = await aio_pika.connect(rig.services.broker_url)
    async with connection, connection.channel() as channel:
        for result in [*results] * 3:
            message = aio_pika.Message(encode(Results(results=[result])))
            await channel.default_exchange.publish(message, topology.REPORTER_RESULTS)


async def until_claimed(rig: Rig, mailing_id: int) -> None:
    async def claimed() -> bool:
        count = "SELECT count(*) FROM flights WHERE mailing_id = $1 AND claimed_number > folded_number"
        return bool(await rig.pool.fetchval(count, mailing_id) > 0)

    await until(claimed, 30, f"messages of mailing {mailing_id} are claimed")


async def reconnects(rig: Rig) -> None:
    """Takes the database away and closes all connections to the broker again and again meanwhile."""
    await rig.relay.cut()
    before = memory(rig.stack.pids()["reporter"])
    for _ in range(RECONNECTS):
        await broker.control(rig.node, "close_all_connections", "chaos")
        await asyncio.sleep(rig.seconds / RECONNECTS)
    grown = memory(rig.stack.pids()["reporter"]) - before
    rig.notes.append(f"reporter grew by {grown // MEBIBYTE} MiB")
    if grown > MOST_GROWTH:
        rig.violations.append(f"I7 the reporter grew by {grown // MEBIBYTE} MiB in {RECONNECTS} reconnects")
    await rig.relay.mend()
    connection = await aio_pika.connect(rig.services.broker_url)
    async with connection, connection.channel() as channel:
        dead = await channel.declare_queue(topology.REPORTER_DEAD, passive=True)
        if dead.declaration_result.message_count:
            rig.violations.append(f"I5 {dead.declaration_result.message_count} healthy bodies are dead letters")


def memory(pid: int) -> int:
    """Returns the bytes that a process has in memory now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


EXPERIMENTS: Sequence[Experiment] = (
    Experiment("results come again after a resend", results_again_after_resend),
    Experiment("results purged, reporter away", results_purged, requires=PRIVATE),
    Experiment(
        "cancels and deletes while no result comes",
        results_do_not_come,
        seconds=70,
        blocks_sending=True,
        excuse=CLIENT_DELETED,
    ),
    Experiment(
        "no database, and AMQP reconnects",
        reconnects,
        seconds=20,
        requires=frozenset({Requirement.PRIVATE_BROKER, Requirement.DATABASE_RELAY}),
        blocks_sending=True,
        api_stays_up=False,
        closes_in_time=False,
    ),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_the_loss_of_their_results(
    run_experiment: RunExperiment, experiment: Experiment
) -> None:
    await run_experiment(experiment)
