"""The mailings of an experiment: they begin before the fault, and are waited for after it."""

from shared import topology
from shared.broker import open_connection
from tests.chaos.harness.database_retry import retry_during_outage
from tests.chaos.harness.monitor import SPAN_SECONDS, Monitor
from tests.chaos.harness.rig import Rig
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.polling import until

# I8: how many seconds after healing sending is back, and at which share of its rate before.
RECOVERED_SECONDS = 60.0
RECOVERED_SHARE = 0.9
# Seconds of sending that must be left after healing, so that the recovery of the rate can be seen.
AFTER_SECONDS = 5
WORKING_QUEUES = (topology.PLANNER_MAILINGS, topology.DISPATCHER_JOBS, topology.REPORTER_RESULTS)
# Duplicated jobs of final messages may still be queued; their claims are refused.
EMPTY_SECONDS = 20


async def begin_mailings(rig: Rig, steady_seconds: float, sending_seconds: float) -> int:
    """Creates a mailing that must reach all of its clients, and one that ends in the middle of the fault.

    Returns the id of the first.
    """
    main, brief = (steady_seconds + sending_seconds) * rig.rate, (steady_seconds + sending_seconds / 2) * rig.rate
    await add_clients(rig.pool, int(main), tag="main")
    await add_clients(rig.pool, int(brief), tag="brief", first=1_000_000)
    await add_clients(rig.pool, int(AFTER_SECONDS * rig.rate), tag="more", first=2_000_000)
    mailing_id = await rig.operator.create_mailing(filter={"tags": ["main"]}, lasts=3600)
    await rig.operator.create_mailing(filter={"tags": ["brief"]}, lasts=steady_seconds + rig.seconds / 2 + 1)
    return mailing_id


async def until_under_way(monitor: Monitor, rate: float) -> None:
    async def sending() -> bool:
        return bool(monitor.sent.samples) and monitor.sent.samples[-1][1] > rate / 2

    await until(sending, 30, "sending has begun")


async def until_recovered(
    rig: Rig, monitor: Monitor, healed_at: float, steady_rate: float
) -> tuple[float | None, list[int]]:
    """Waits until messages are sent at the steady rate again, and adds mailings while too little is left to send.

    Returns how many seconds it took, None if the rate did not come back, and the ids of the added mailings.
    """
    added: list[int] = []

    async def recovered() -> bool:
        added.extend(await retry_during_outage(lambda: _top_up(rig), RECOVERED_SECONDS))
        return monitor.sent.back_at(healed_at, RECOVERED_SHARE * steady_rate) is not None

    try:
        await until(recovered, RECOVERED_SECONDS + SPAN_SECONDS + 1, "sending is back")
    except AssertionError:
        return None, added
    back_at = monitor.sent.back_at(healed_at, RECOVERED_SHARE * steady_rate)
    return None if back_at is None else back_at - healed_at, added


async def _top_up(rig: Rig) -> list[int]:
    row = await rig.pool.fetchrow(
        """
        SELECT coalesce(sum(c.pending + c.retrying), 0) AS left, count(*) FILTER (WHERE NOT w.expansion_done) AS unready
        FROM mailings m JOIN mailing_counts c ON c.mailing_id = m.id JOIN mailing_work w ON w.mailing_id = m.id
        WHERE m.end_at > now() AND m.finished_at IS NULL
        """
    )
    assert row is not None
    if row["unready"] or row["left"] >= AFTER_SECONDS * rig.rate:
        return []
    return [await add_mailing(rig.pool, tags=["more"], lasts=3600)]


async def until_finished(rig: Rig) -> None:
    """Waits until every mailing is finished and the working queues are empty.

    A mailing that does not finish is noted here and judged by the oracle.
    """

    async def finished() -> bool:
        left: int = await rig.pool.fetchval("SELECT count(*) FROM mailings WHERE finished_at IS NULL")
        # An open claim of a finished mailing may still end in a late success.
        return left == 0 and await rig.pool.fetchval("SELECT count(*) FROM flights") == 0

    try:
        await until(
            lambda: retry_during_outage(finished, RECOVERED_SECONDS), 2 * RECOVERED_SECONDS, "all mailings are finished"
        )
    except AssertionError as error:
        rig.notes.append(str(error))
    await _until_queues_are_empty(rig)


async def _until_queues_are_empty(rig: Rig) -> None:
    """Waits until the working queues are empty, and records a violation if they are not in time."""
    connection = await open_connection(rig.services.broker_url, "chaos")
    async with connection, connection.channel() as channel:

        async def empty() -> bool:
            found = [await channel.declare_queue(name, passive=True) for name in WORKING_QUEUES]
            return not any(queue.declaration_result.message_count for queue in found)

        try:
            await until(empty, EMPTY_SECONDS, "all queues are empty")
        except AssertionError as error:
            rig.violations.append(f"I7 {error}")
