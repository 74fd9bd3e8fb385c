"""Start, expansion, release, closing, cancel and sweep, against a real PostgreSQL and a real broker."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from services.dispatcher.claims.store import AskedJob
from services.dispatcher.claims.store import claim as claim_jobs
from services.planner.closing import store as closing
from services.planner.closing.settler import Settler
from services.planner.expansion import expand_chunks
from services.planner.flow_control import FlowControl
from services.planner.handler import Handler
from services.planner.metrics import Metrics
from services.planner.rejections import RejectionGuard
from services.planner.release import ReleasedBatch
from services.planner.scheduler import Scheduler
from services.planner.store import leases, lifecycle, releases, repairs, windows
from services.planner.store.releases import DueFlight
from services.planner.sweep import Sweeper
from shared import topology
from shared.broker import Consumer, Delivery, Outgoing, Publisher
from shared.health import Health
from shared.messages import Job, decode
from shared.metrics import new_registry
from shared.settings import DEFAULT_RETRY_DELAYS
from shared.task_supervisor import TaskSupervisor
from tests.support.consistency import check_consistency
from tests.support.mailing_rows import add_clients, add_mailing, counts_of, status_of
from tests.support.planner_steps import expand_all, lease_one, release_chunk, running_mailing
from tests.support.polling import until

METRICS = Metrics(new_registry())
TABLE = topology.build(DEFAULT_RETRY_DELAYS)


@pytest.fixture
async def publisher(broker_url: str) -> AsyncIterator[Publisher]:
    async with Publisher(broker_url, "test", Health(), TABLE) as opened:
        await opened.publish(Outgoing(topology.MAILINGS, "mailing.test", b"{}"))
        yield opened


async def test_only_mailings_whose_time_has_come_are_started_and_each_by_one_planner(pool: asyncpg.Pool) -> None:
    due = [await add_mailing(pool) for _ in range(5)]
    ahead = await add_mailing(pool, start_in=30)
    started = await asyncio.gather(*(lifecycle.start_due(pool) for _ in range(4)))
    assert sorted(mailing_id for some in started for mailing_id, _ in some) == due
    assert await status_of(pool, ahead) == "scheduled"
    seconds = await lifecycle.seconds_to_next_start(pool)
    assert seconds is not None
    assert 25 < seconds <= 30


async def test_the_audience_is_frozen_at_the_start(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 250)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    await add_clients(pool, 50, first=1000)
    await expand_all(pool, mailing_id)
    assert await counts_of(pool, mailing_id) == {"pending": 250}


@pytest.mark.parametrize(
    ("operator_codes", "tags", "expected"),
    [
        ([], [], 60),
        (["901"], [], 30),
        (["901", "902"], [], 50),
        ([], ["vip"], 20),
        (["901"], ["vip"], 10),
        (["901", "902"], ["vip", "new"], 20),
        (["999"], [], 0),
    ],
)
async def test_a_mailing_reaches_exactly_the_clients_of_its_filter(
    pool: asyncpg.Pool, operator_codes: list[str], tags: list[str], expected: int
) -> None:
    groups = [("901", "vip", 10), ("901", "", 20), ("902", "vip", 10), ("902", "old", 10), ("903", "", 10)]
    for place, (code, tag, number) in enumerate(groups):
        await add_clients(pool, number, operator_code=code, tag=tag, first=1000 * place)
    mailing_id = await add_mailing(pool, operator_codes=operator_codes, tags=tags)
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id, size=7)
    assert sum((await counts_of(pool, mailing_id)).values()) == expected


async def test_a_mailing_may_be_for_those_who_did_not_get_another(pool: asyncpg.Pool) -> None:
    clients = await add_clients(pool, 6, tag="vip")
    await pool.execute("UPDATE clients SET tag = '' WHERE id = $1", clients[0])
    other = await add_mailing(pool)
    statuses = ("expired", "rejected", "exhausted", "cancelled", "sent")
    for client_id, status in zip(clients, statuses, strict=False):
        await pool.execute(
            "INSERT INTO messages (mailing_id, client_id, status, reason, final_at) VALUES ($1, $2, $3, 'x', now())",
            other,
            client_id,
            status,
        )
    await pool.execute("UPDATE mailings SET status = 'cancelled'")
    mailing_id = await add_mailing(pool, tags=["vip"], unsent_of=other)
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id, size=2)
    rows = await pool.fetch("SELECT client_id FROM messages WHERE mailing_id = $1 ORDER BY 1", mailing_id)
    assert [row["client_id"] for row in rows] == clients[1:4]


async def test_a_mailing_without_recipients_is_finished_at_once(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 0)
    assert await lifecycle.finish_done(pool) == [(mailing_id, "test-request")]
    assert await status_of(pool, mailing_id) == "finished"


async def test_several_planners_expand_a_mailing_once(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 3000)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)

    async def planner() -> None:
        owner = uuid4()
        while not await pool.fetchval("SELECT expansion_done FROM mailing_work"):
            for lease in await leases.acquire(pool, owner, release=False, most=1):
                await expand_chunks(pool, owner, [lease.mailing_id], 100)
                await leases.give_back(pool, owner, [lease.mailing_id], confirmed=True)

    await asyncio.gather(planner(), planner(), planner())
    await check_consistency(pool, mailing_id)
    assert await counts_of(pool, mailing_id) == {"pending": 3000}


async def test_a_planner_that_lost_its_lease_changes_nothing(pool: asyncpg.Pool, publisher: Publisher) -> None:
    await add_clients(pool, 10)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    owner = uuid4()
    assert await lease_one(pool, owner) == mailing_id
    await pool.execute("UPDATE mailing_work SET owner = $1", uuid4())
    assert await expand_chunks(pool, owner, [mailing_id], 2000) == []
    assert await release_chunk(pool, publisher, owner, mailing_id, 10) == ReleasedBatch()
    assert await pool.fetchval("SELECT count(*) FROM messages") == 0


async def test_a_paused_mailing_is_expanded_and_not_released(pool: asyncpg.Pool, publisher: Publisher) -> None:
    await add_clients(pool, 10)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    await pool.execute("UPDATE mailings SET status = 'paused'")
    owner = uuid4()
    assert await lease_one(pool, owner) == mailing_id
    (chunk,) = await expand_chunks(pool, owner, [mailing_id], 2000)
    assert (chunk.added, chunk.done) == (10, True)
    assert await release_chunk(pool, publisher, owner, mailing_id, 10) == ReleasedBatch()


async def test_released_jobs_carry_ids_and_the_attempt_only(
    pool: asyncpg.Pool, publisher: Publisher, broker_url: str
) -> None:
    mailing_id = await running_mailing(pool, 3)
    owner = uuid4()
    await lease_one(pool, owner)
    assert await release_chunk(pool, publisher, owner, mailing_id, 2) == ReleasedBatch(2)
    assert await release_chunk(pool, publisher, owner, mailing_id, 2) == ReleasedBatch(1)
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", Health(), TABLE, queue=topology.DISPATCHER_JOBS, prefetch=9, on_delivery=arrived.put_nowait
    )
    async with consumer, asyncio.timeout(10):
        jobs = [decode(Job, (await arrived.get()).body) for _ in range(3)]
    rows = await pool.fetch("SELECT id, client_id FROM messages ORDER BY id")
    expected = [(row["id"], mailing_id, row["client_id"], 1) for row in rows]
    assert sorted((j.message_id, j.mailing_id, j.client_id, j.attempt) for j in jobs) == expected
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE released_at IS NOT NULL") == 3


async def test_a_flight_put_back_during_its_release_stays_waiting(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 1)
    began_at = datetime.now(UTC)
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, due_at)"
        " SELECT id, mailing_id, client_id, now() + interval '1 s' FROM messages"
    )
    await releases.mark_released(pool, [await pool.fetchval("SELECT id FROM messages")], began_at)
    assert await pool.fetchval("SELECT released_at FROM flights WHERE mailing_id = $1", mailing_id) is None


async def test_a_planner_without_the_lease_releases_nothing(pool: asyncpg.Pool, publisher: Publisher) -> None:
    mailing_id, owner = await running_mailing(pool, 5), uuid4()
    assert await lease_one(pool, owner) == mailing_id
    await release_chunk(pool, publisher, uuid4(), mailing_id, 10)
    assert await pool.fetchval("SELECT count(*) FROM flights") == 0
    await release_chunk(pool, publisher, owner, mailing_id, 10)
    assert await pool.fetchval("SELECT count(*) FROM flights") == 5


async def test_a_closed_window_keeps_the_message_in_the_table_and_an_edit_frees_it(
    pool: asyncpg.Pool, publisher: Publisher
) -> None:
    now = datetime.now(UTC)
    window = ((now + timedelta(hours=2)).time(), (now + timedelta(hours=3)).time())
    mailing_id = await running_mailing(pool, 5, window=window)
    owner = uuid4()
    await lease_one(pool, owner)
    assert await release_chunk(pool, publisher, owner, mailing_id, 10) == ReleasedBatch(waiting=5)
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE due_at > now() + interval '1 h'") == 5
    await pool.execute("UPDATE mailings SET window_from = NULL, window_to = NULL, window_edited_at = now()")
    assert await windows.recheck_edited(pool, 3) == 3
    assert await windows.recheck_edited(pool, 3) == 2
    assert await windows.recheck_edited(pool, 3) == 0
    assert await release_chunk(pool, publisher, owner, mailing_id, 10) == ReleasedBatch(5)


async def test_a_job_put_back_outside_its_window_waits_until_it_opens(pool: asyncpg.Pool, publisher: Publisher) -> None:
    now = datetime.now(UTC)
    opens = (now + timedelta(hours=2)).time().replace(second=0, microsecond=0)
    mailing_id = await running_mailing(pool, 1)
    owner = uuid4()
    await lease_one(pool, owner)
    await release_chunk(pool, publisher, owner, mailing_id, 10)
    closes = (now + timedelta(hours=3)).time()
    await pool.execute("UPDATE mailings SET window_from = $1, window_to = $2", opens, closes)
    message_id = await pool.fetchval("SELECT id FROM messages")
    (claim,) = await claim_jobs(pool, uuid4(), [AskedJob(message_id, 1)])
    assert claim.verdict == "put back"
    assert await release_chunk(pool, publisher, owner, mailing_id, 10) == ReleasedBatch(waiting=1)
    due_at = await pool.fetchval("SELECT due_at FROM flights WHERE released_at IS NULL")
    assert due_at.time() == opens
    assert timedelta(hours=1) < due_at - now < timedelta(hours=2, minutes=1)


async def test_an_edited_window_does_not_hurry_a_retry_that_must_wait(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 2)
    for place, earliest in enumerate(("now() + interval '10 min'", "NULL")):
        await pool.execute(
            "INSERT INTO flights (message_id, mailing_id, client_id, due_at, earliest_at)"
            f" SELECT id, mailing_id, client_id, now() + interval '1 h', {earliest}"
            " FROM messages ORDER BY id OFFSET $1 LIMIT 1",
            place,
        )
    await pool.execute("UPDATE mailings SET window_edited_at = now() WHERE id = $1", mailing_id)
    assert await windows.recheck_edited(pool, 10) == 2
    assert await windows.recheck_edited(pool, 10) == 0
    waits = await pool.fetch("SELECT due_at - now() AS wait FROM flights ORDER BY message_id")
    assert timedelta(minutes=9) < waits[0]["wait"] <= timedelta(minutes=10)
    assert waits[1]["wait"] <= timedelta(0)


async def test_a_client_whose_zone_is_edited_during_a_release_is_judged_again(pool: asyncpg.Pool) -> None:
    await running_mailing(pool, 3)
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, due_at)"
        " SELECT id, mailing_id, client_id, now() + interval '5 h' FROM messages"
    )
    moved = await pool.fetchval("UPDATE clients SET timezone = 'Asia/Tokyo' WHERE id = 1 RETURNING id")
    rows = await pool.fetch("SELECT id, client_id FROM messages")
    waiting = [DueFlight(row["id"], 1, row["client_id"], 1, True, False, "UTC") for row in rows]
    await windows.recheck_moved_clients(pool, waiting)
    due = await pool.fetch("SELECT client_id FROM flights WHERE due_at <= now()")
    assert [row["client_id"] for row in due] == [moved]


async def test_a_small_mailing_is_served_beside_a_big_one(pool: asyncpg.Pool, publisher: Publisher) -> None:
    await add_clients(pool, 3000)
    await add_clients(pool, 10, tag="small", first=9000)
    big = await add_mailing(pool, tags=[""])
    await lifecycle.start_due(pool)
    scheduler = Scheduler(pool, publisher, uuid4(), FlowControl(600), METRICS)
    for _ in range(4):
        await scheduler.run_pass()
    small = await add_mailing(pool, tags=["small"])
    await lifecycle.start_due(pool)
    # The audience takes two chunks; meanwhile the provider takes what is released, so that there is room again.
    for _ in range(2):
        await pool.execute("DELETE FROM flights WHERE mailing_id = $1", big)
        await scheduler.run_pass()
    flights = await pool.fetch("SELECT mailing_id, count(*) FROM flights GROUP BY 1")
    released = {row[0]: row[1] for row in flights}
    assert released[small] == 10
    assert 0 < released[big] <= 600


async def test_a_small_mailing_is_under_way_though_others_fill_all_there_is_room_for(
    pool: asyncpg.Pool, publisher: Publisher
) -> None:
    await add_clients(pool, 400)
    await add_clients(pool, 10, tag="small", first=9000)
    big = await add_mailing(pool, tags=[""])
    await lifecycle.start_due(pool)
    scheduler = Scheduler(pool, publisher, uuid4(), FlowControl(300), METRICS)
    for _ in range(4):
        await scheduler.run_pass()
    full = await pool.fetchval("SELECT count(*) FROM flights WHERE mailing_id = $1", big)
    small = await add_mailing(pool, tags=["small"])
    await lifecycle.start_due(pool)
    for _ in range(2):
        await scheduler.run_pass()
    released = "SELECT count(*) FROM flights WHERE mailing_id = $1 AND released_at IS NOT NULL"
    assert await pool.fetchval(released, small) == 10
    assert await pool.fetchval(released, big) == full


async def end_now(pool: asyncpg.Pool) -> None:
    """Makes every mailing one that started a second ago and ends at this moment."""
    await pool.execute("UPDATE mailings SET start_at = clock_timestamp() - interval '1 s', end_at = clock_timestamp()")


class Ending:
    """A running mailing of six messages in all the states in which an end may find them."""

    def __init__(self, pool: asyncpg.Pool, mailing_id: int, ids: list[int]) -> None:
        self.pool = pool
        self.mailing_id = mailing_id
        self.ids = ids

    async def reasons(self) -> dict[str, int]:
        rows = await self.pool.fetch("SELECT status || ': ' || reason AS what, count FROM reasons WHERE count > 0")
        return {row["what"]: row["count"] for row in rows}


@pytest.fixture
async def ending(pool: asyncpg.Pool) -> Ending:
    mailing_id = await running_mailing(pool, 6)
    ids = [row["id"] for row in await pool.fetch("SELECT id FROM messages ORDER BY id")]
    # Never released; on the broker; waiting for its window; retrying; claimed; claimed for a second time.
    states = [(ids[1], "now()", 0, 0, 0), (ids[2], "NULL", 0, 0, 0), (ids[3], "now()", 1, 1, 1)]
    states += [(ids[4], "now()", 1, 0, 0), (ids[5], "now()", 2, 1, 1)]
    for message_id, released_at, claimed, folded, failures in states:
        await pool.execute(
            f"INSERT INTO flights SELECT id, mailing_id, client_id, {released_at}, now() + interval '1 h',"
            " $2, $3, $4, $5, now() FROM messages WHERE id = $1",
            message_id,
            claimed,
            folded,
            failures,
            uuid4(),
        )
    return Ending(pool, mailing_id, ids)


async def test_at_the_end_the_unclaimed_expire_at_once_and_claims_after_a_fence(ending: Ending) -> None:
    settler, now = Settler(ending.pool, METRICS), datetime.now(UTC)
    # The window was open when the mailing started, and is closed now.
    await ending.pool.execute(
        "UPDATE mailings SET start_at = $1::timestamptz - interval '1 h', end_at = clock_timestamp(),"
        " window_from = $2, window_to = $3",
        now,
        (now - timedelta(hours=2)).time(),
        (now - timedelta(minutes=30)).time(),
    )
    assert await settler.close_mailings()
    assert await counts_of(ending.pool, ending.mailing_id) == {"pending": 2, "expired": 4}
    assert await ending.reasons() == {"expired: deadline reached": 3, "expired: window closed until the deadline": 1}
    await ending.pool.execute("UPDATE fence SET folded_at = now() + interval '2 s'")
    await settler.close_mailings()
    assert await counts_of(ending.pool, ending.mailing_id) == {"expired": 6}
    assert (await ending.reasons())["expired: outcome unknown"] == 2
    assert await lifecycle.finish_done(ending.pool) == [(ending.mailing_id, "test-request")]
    await check_consistency(ending.pool, ending.mailing_id)
    lost = await ending.pool.fetch("SELECT message_id, number FROM attempts ORDER BY 1")
    assert [tuple(row) for row in lost] == [(ending.ids[4], 1), (ending.ids[5], 2)]


async def test_clients_out_of_reach_of_the_window_expire_for_that_reason_released_or_not(pool: asyncpg.Pool) -> None:
    now = datetime.now(UTC)
    await add_clients(pool, 2)
    await add_clients(pool, 3, timezone="Etc/GMT-6", first=100)
    # Open at present where it is six hours later than in UTC.
    window = ((now + timedelta(hours=5)).time(), (now + timedelta(hours=7)).time())
    mailing_id = await add_mailing(pool, window=window)
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id)
    await end_now(pool)
    await Settler(pool, METRICS).close_mailings()
    rows = await pool.fetch("SELECT status || ': ' || reason AS what, count FROM reasons WHERE count > 0")
    assert {row["what"]: row["count"] for row in rows} == {
        "expired: window closed until the deadline": 2,
        "expired: deadline reached": 3,
    }


async def test_an_unsent_message_that_the_provider_may_have_has_that_reason_whatever_ended_it(ending: Ending) -> None:
    await ending.pool.execute(
        "INSERT INTO attempts (message_id, number, mailing_id, started_at, outcome)"
        " VALUES ($1, 1, $2, now(), 'timeout')",
        ending.ids[3],
        ending.mailing_id,
    )
    await ending.pool.execute("UPDATE mailings SET status = 'cancelled'")
    await Settler(ending.pool, METRICS).close_mailings()
    assert await ending.reasons() == {"cancelled: mailing cancelled": 3, "cancelled: outcome unknown": 1}


async def test_a_missing_fence_holds_a_closing_up_for_25_seconds_at_most(ending: Ending) -> None:
    await ending.pool.execute("UPDATE mailings SET start_at = now() - interval '1 h', end_at = now() - interval '26 s'")
    await Settler(ending.pool, METRICS).close_mailings()
    assert await counts_of(ending.pool, ending.mailing_id) == {"expired": 6}


async def test_a_cancel_settles_the_unclaimed_and_waits_for_the_claimed(ending: Ending) -> None:
    settler = Settler(ending.pool, METRICS)
    await ending.pool.execute("UPDATE mailings SET status = 'cancelled'")
    await settler.close_mailings()
    assert await counts_of(ending.pool, ending.mailing_id) == {"pending": 2, "cancelled": 4}
    assert await ending.reasons() == {"cancelled: mailing cancelled": 4}
    # The claims end with failures: folded, they are unclaimed.
    await ending.pool.execute("UPDATE flights SET folded_number = claimed_number")
    await settler.close_mailings()
    assert await counts_of(ending.pool, ending.mailing_id) == {"cancelled": 6}
    await lifecycle.finish_done(ending.pool)
    assert await status_of(ending.pool, ending.mailing_id) == "cancelled"
    assert await ending.pool.fetchval("SELECT finished_at IS NOT NULL FROM mailings")


async def test_a_message_being_claimed_at_this_moment_is_left_alone(ending: Ending) -> None:
    await ending.pool.execute("UPDATE mailings SET status = 'cancelled'")
    async with ending.pool.acquire() as dispatcher, dispatcher.transaction():
        await dispatcher.execute("SELECT 1 FROM flights WHERE message_id = $1 FOR UPDATE", ending.ids[1])
        async with asyncio.timeout(2):
            await Settler(ending.pool, METRICS).close_mailings()
    assert await counts_of(ending.pool, ending.mailing_id) == {"pending": 3, "cancelled": 3}


async def test_two_planners_settle_a_cancelled_mailing_together(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 12_000)
    await pool.execute("UPDATE mailings SET status = 'cancelled'")
    await asyncio.gather(*(Settler(pool, METRICS).close_mailings() for _ in range(3)))
    await check_consistency(pool, mailing_id)
    assert await counts_of(pool, mailing_id) == {"cancelled": 12_000}


async def test_a_deleted_clients_unsent_messages_are_cancelled(ending: Ending) -> None:
    settler, pool = Settler(ending.pool, METRICS), ending.pool
    await pool.execute(
        "UPDATE clients SET phone = NULL, deleted_at = now() WHERE id IN (SELECT client_id FROM messages)"
    )
    await settler.close_clients()
    assert await counts_of(pool, ending.mailing_id) == {"pending": 2, "cancelled": 4}
    assert await pool.fetchval("SELECT count(*) FROM clients WHERE settled_at IS NOT NULL") == 0
    # Half a minute later nothing can add to it: the books of the client are closed.
    await pool.execute("UPDATE clients SET deleted_at = now() - interval '31 s'")
    await settler.close_clients()
    assert await pool.fetchval("SELECT count(*) FROM clients WHERE settled_at IS NOT NULL") == 4


async def test_a_mailing_found_only_after_its_end_is_expanded_and_expires(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 20)
    mailing_id = await add_mailing(pool)
    await pool.execute("UPDATE mailings SET start_at = now() - interval '2 h', end_at = now() - interval '1 h'")
    await lifecycle.start_due(pool)
    settler = Settler(pool, METRICS)
    await settler.close_mailings()
    await expand_all(pool, mailing_id)
    await settler.close_mailings()
    await lifecycle.finish_done(pool)
    assert await status_of(pool, mailing_id) == "finished"
    assert await counts_of(pool, mailing_id) == {"expired": 20}


async def test_jobs_that_vanished_from_the_broker_are_released_again_once(
    pool: asyncpg.Pool, publisher: Publisher
) -> None:
    await running_mailing(pool, 4)
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, released_at, due_at)"
        " SELECT id, mailing_id, client_id, now() - interval '21 s', now() - interval '21 s' FROM messages"
    )
    sweeper = Sweeper(pool, publisher, 3, METRICS)
    await sweeper.sweep()
    assert await publisher.count_ready(topology.DISPATCHER_JOBS) == 0, "nobody consumes: nothing has vanished"
    await pool.execute("INSERT INTO workers VALUES ($1, now(), true)", uuid4())
    await sweeper.sweep()
    await until(lambda: ready(publisher, 3), 5)
    # While a job waits in the queue the rest may simply be waiting its turn.
    await sweeper.sweep()
    assert await ready(publisher, 3)
    assert await repairs.take_vanished(pool, 10) != []
    assert await repairs.take_vanished(pool, 10) == []


async def ready(publisher: Publisher, number: int) -> bool:
    return await publisher.count_ready(topology.DISPATCHER_JOBS) == number


async def stale_claims(pool: asyncpg.Pool, **mailing: object) -> int:
    """Makes a running mailing of two messages with open claims: one of a living dispatcher, one of a dead one."""
    mailing_id = await running_mailing(pool, 2, **mailing)
    alive, dead = uuid4(), uuid4()
    for place, worker in enumerate((alive, dead)):
        await pool.execute(
            """
            INSERT INTO flights (
                message_id, mailing_id, client_id, released_at, claimed_number, claimed_by, claimed_at
            )
            SELECT id, mailing_id, client_id, now() - interval '1 min', 1, $1, now() - interval '1 min'
            FROM messages ORDER BY id OFFSET $2 LIMIT 1
            """,
            worker,
            place,
        )
    await pool.execute(
        "INSERT INTO workers VALUES ($1, now() + interval '1 h', true), ($2, now() - interval '1 min', true)",
        alive,
        dead,
    )
    return mailing_id


async def test_stale_claims_are_released_again(pool: asyncpg.Pool, publisher: Publisher) -> None:
    mailing_id = await stale_claims(pool)
    assert await repairs.put_back_stale(pool, 10) == [], "no fence was folded since the worker fell silent"
    await pool.execute("UPDATE fence SET folded_at = now()")
    sweeper, owner = Sweeper(pool, publisher, 10, METRICS), uuid4()
    await pool.execute("UPDATE workers SET sending = false")
    await sweeper.sweep()
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE released_at IS NULL") == 0, "nobody consumes"
    await pool.execute("UPDATE workers SET sending = true")
    await sweeper.sweep()
    await pool.execute("UPDATE mailing_work SET owner = $1", owner)
    (again,) = (await releases.take_waiting(pool, owner, {mailing_id: 10})).flights
    assert again.attempt == 1


@pytest.mark.parametrize("held_back", ["paused", "window"])
async def test_a_stale_claim_that_may_not_be_sent_now_leaves_no_job_on_the_broker(
    pool: asyncpg.Pool, publisher: Publisher, held_back: str
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=2)).time()
    later = (datetime.now(UTC) + timedelta(hours=3)).time()
    await stale_claims(pool, window=(soon, later) if held_back == "window" else (None, None))
    await pool.execute("UPDATE fence SET folded_at = now()")
    if held_back == "paused":
        await pool.execute("UPDATE mailings SET status = 'paused'")
    sweeper = Sweeper(pool, publisher, 10, METRICS)
    scheduler = Scheduler(pool, publisher, uuid4(), FlowControl(1000), METRICS)
    # A night of sweeps: each would leave one more job, which goes round in the retry queues until the morning.
    for _ in range(3):
        await pool.execute("UPDATE flights SET released_at = now() - interval '1 min' WHERE released_at IS NOT NULL")
        await sweeper.sweep()
        await scheduler.run_pass()
    assert await publisher.count_ready(topology.DISPATCHER_JOBS) == 0


async def test_an_unreadable_event_goes_to_the_dead_queue_and_the_planner_goes_on(
    pool: asyncpg.Pool, publisher: Publisher, broker_url: str
) -> None:
    scheduler = Scheduler(pool, publisher, uuid4(), FlowControl(200), METRICS)
    settler, sweeper = Settler(pool, METRICS), Sweeper(pool, publisher, 200, METRICS)
    handler = Handler(pool, publisher, scheduler, settler, sweeper, RejectionGuard(pool, None, METRICS), METRICS)
    consumer = Consumer(
        broker_url, "c", Health(), TABLE, queue=topology.PLANNER_MAILINGS, prefetch=9, on_delivery=handler.enqueue
    )
    async with asyncio.TaskGroup() as group, consumer:
        supervised = handler.tasks(TaskSupervisor(Health(), new_registry()))
        tasks = [group.create_task(as_coroutine(task)) for task in supervised]
        # The fixture has published one unreadable event already.
        await publisher.publish(Outgoing(topology.MAILINGS, "mailing.created", b"\x00"))

        async def buried() -> bool:
            return await publisher.count_ready(topology.PLANNER_DEAD) == 2

        await until(buried, 10)
        mailing_id = await add_mailing(pool)

        async def finished() -> bool:
            return await status_of(pool, mailing_id) == "finished"

        await until(finished, 10)
        for task in tasks:
            task.cancel()


async def as_coroutine(task: object) -> None:
    await task  # type: ignore[misc]


async def kinds_of(pool: asyncpg.Pool, mailing_id: int) -> list[str]:
    rows = await pool.fetch("SELECT kind FROM events WHERE mailing_id = $1 ORDER BY id", mailing_id)
    return [row["kind"] for row in rows]


async def test_each_moment_of_a_mailings_life_leaves_an_event(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 3)
    assert await kinds_of(pool, mailing_id) == ["started", "expanded"]
    await end_now(pool)
    await asyncio.gather(*(closing.begin_closing(pool) for _ in range(3)))
    await Settler(pool, METRICS).close_mailings()
    for _ in range(2):
        await lifecycle.finish_done(pool)
    assert await kinds_of(pool, mailing_id) == ["started", "expanded", "closing", "finished"]
    expanded = await pool.fetchrow("SELECT request_id, detail FROM events WHERE kind = 'expanded'")
    assert expanded is not None
    assert tuple(expanded) == ("test-request", '{"total": 3}')


async def test_the_event_of_a_cancelled_mailing_is_that_its_counts_have_closed(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 3)
    await pool.execute("UPDATE mailings SET status = 'cancelled'")
    await Settler(pool, METRICS).close_mailings()
    await lifecycle.finish_done(pool)
    assert await kinds_of(pool, mailing_id) == ["started", "expanded", "closed"]
