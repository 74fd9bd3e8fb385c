"""Releases: numbers, batches of many mailings, what a lost lease leaves behind, and data that cannot be worked on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.dispatcher.claims.store import AskedJob
from services.dispatcher.claims.store import claim as claim_jobs
from services.planner.flow_control import FlowControl
from services.planner.metrics import Metrics
from services.planner.release import ReleasedBatch, ReleaseOrder, release_batch
from services.planner.scheduler import Scheduler
from services.planner.store import leases, lifecycle, releases
from shared import topology
from shared.broker import Consumer, Delivery, Outgoing, Publisher
from shared.health import Health
from shared.messages import Job, decode
from shared.metrics import new_registry
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.support.mailing_rows import add_clients, add_mailing, counts_of
from tests.support.planner_steps import expand_all, lease_one, release_chunk, running_mailing

METRICS = Metrics(new_registry())
TABLE = topology.build(DEFAULT_RETRY_DELAYS)


class Outbox:
    """A publisher that keeps what it is given. While `confirming` is false, it confirms nothing."""

    connected = True

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.confirming = True

    async def publish_all(self, outgoings: Sequence[Outgoing]) -> list[bool]:
        self.jobs += [decode(Job, one.body) for one in outgoings]
        return [self.confirming] * len(outgoings)

    def asked(self) -> list[tuple[int, int]]:
        """Returns (message id, attempt) of the jobs so far, and forgets them."""
        found = sorted((job.message_id, job.attempt) for job in self.jobs)
        self.jobs.clear()
        return found


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def a_scheduler(pool: asyncpg.Pool, outbox: Outbox) -> Scheduler:
    return Scheduler(pool, outbox, uuid4(), FlowControl(5000), METRICS)  # type: ignore[arg-type]


async def ids_of(pool: asyncpg.Pool) -> list[int]:
    return [row["id"] for row in await pool.fetch("SELECT id FROM messages ORDER BY id")]


@pytest.mark.parametrize(
    ("claimed", "folded", "asked", "attempt"),
    [
        # Nothing is claimed, or the attempt has ended: the next number.
        (0, 0, 0, 1),
        (2, 2, 0, 3),
        (2, 2, 1, 3),
        # The attempt may be under way, and nobody saw it end: its own number.
        (1, 0, 0, 1),
        (3, 2, 2, 3),
        # Its dispatcher saw it end and asked for the next, which was put back before the result was folded.
        (1, 0, 2, 2),
    ],
)
async def test_only_who_saw_an_attempt_end_hands_out_the_next_number(
    pool: asyncpg.Pool, outbox: Outbox, claimed: int, folded: int, asked: int, attempt: int
) -> None:
    mailing_id = await running_mailing(pool, 1)
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, claimed_number, folded_number, asked_number)"
        " SELECT id, mailing_id, client_id, $1, $2, $3 FROM messages",
        claimed,
        folded,
        asked,
    )
    owner = uuid4()
    await lease_one(pool, owner)
    assert await release_chunk(pool, outbox, owner, mailing_id, 10) == ReleasedBatch(1)  # type: ignore[arg-type]
    assert outbox.asked() == [(*await ids_of(pool), attempt)]


async def test_what_a_planner_that_lost_its_lease_may_not_have_published_is_released_again(
    pool: asyncpg.Pool, outbox: Outbox
) -> None:
    mailing_id = await running_mailing(pool, 4)
    dead, ids = uuid4(), await ids_of(pool)
    await lease_one(pool, dead)
    assert len((await releases.take_fresh(pool, dead, {mailing_id: 3})).flights) == 3
    # The job of the first one did arrive, and was claimed.
    (claim,) = await claim_jobs(pool, uuid4(), [AskedJob(ids[0], 1)])
    assert claim.verdict == "send"
    await pool.execute("UPDATE mailing_work SET leased_until = now() - interval '1 s'")
    scheduler = a_scheduler(pool, outbox)
    await scheduler.run_pass()
    assert outbox.asked() == [(message_id, 1) for message_id in ids[1:]]
    await scheduler.run_pass()
    assert outbox.asked() == []
    work = await pool.fetchrow("SELECT confirmed_cursor, release_cursor FROM mailing_work")
    assert work is not None
    assert tuple(work) == (ids[-1], ids[-1])


async def test_a_lost_lease_takes_nothing_back(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 2)
    owner = uuid4()
    await lease_one(pool, owner)
    taken = await releases.take_fresh(pool, owner, {mailing_id: 2})
    ids = [one.message_id for one in taken.flights]
    await pool.execute("UPDATE mailing_work SET owner = $1", uuid4())
    await releases.take_back(pool, owner, ids)
    assert await releases.take_back_unconfirmed(pool, owner, [mailing_id]) == 0
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE released_at IS NULL") == 0


async def test_jobs_that_were_not_confirmed_wait_in_the_table_at_once(pool: asyncpg.Pool, outbox: Outbox) -> None:
    await running_mailing(pool, 3)
    scheduler, ids = a_scheduler(pool, outbox), await ids_of(pool)
    outbox.confirming = False
    await scheduler.run_pass()
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE released_at IS NULL") == 3
    assert await pool.fetchval("SELECT count(*) FROM mailing_work WHERE confirmed_cursor = $1", ids[-1]) == 1
    outbox.confirming = True
    outbox.asked()
    await scheduler.run_pass()
    assert outbox.asked() == [(message_id, 1) for message_id in ids]
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE released_at IS NULL") == 0


async def test_hundreds_of_small_mailings_are_expanded_and_released_in_a_few_passes(
    pool: asyncpg.Pool, outbox: Outbox
) -> None:
    mailings = 300
    for place in range(mailings):
        await add_clients(pool, 5, tag=f"t{place}", first=10 * place)
        await add_mailing(pool, tags=[f"t{place}"])
    await lifecycle.start_due(pool)
    scheduler = a_scheduler(pool, outbox)
    for _ in range(3):
        await scheduler.run_pass()
    assert await pool.fetchval("SELECT count(*) FROM mailing_work WHERE expansion_done") == mailings
    assert len(outbox.asked()) == 5 * mailings
    assert await pool.fetchval("SELECT count(*) FROM mailing_counts WHERE total = 5 AND pending = 5") == mailings


@pytest.mark.parametrize("tags", [["a", "b"], []])
async def test_an_audience_of_several_tags_is_complete_and_in_order(pool: asyncpg.Pool, tags: list[str]) -> None:
    for place in range(12):
        await add_clients(pool, 5, tag="abc"[place % 3], operator_code=f"90{place % 2}", first=10 * place)
    mailing_id = await add_mailing(pool, tags=[*tags, *tags[:1]], operator_codes=["900"])
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id, size=7)
    rows = await pool.fetch(
        "SELECT id FROM clients WHERE operator_code = '900' AND (tag = ANY ($1) OR $1 = '{}') ORDER BY id", tags
    )
    found = await pool.fetch("SELECT client_id FROM messages ORDER BY id")
    assert [row["client_id"] for row in found] == [row["id"] for row in rows]


async def test_a_mailing_whose_data_fail_is_set_aside_and_the_others_go_on(pool: asyncpg.Pool, outbox: Outbox) -> None:
    await add_clients(pool, 3)
    good, bad, last = [await add_mailing(pool) for _ in range(3)]
    await lifecycle.start_due(pool)
    await pool.execute(
        f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.mailing_id = {bad} THEN RAISE EXCEPTION 'cannot be worked on'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON flights FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    scheduler = a_scheduler(pool, outbox)
    with capture_logs() as lines:
        for _ in range(4):
            await scheduler.run_pass()
    assert {job.mailing_id for job in outbox.jobs} == {good, last}
    (line,) = [line for line in lines if line["event"] == "work set aside"]
    assert (line["unit"], line["id"], line["log_level"]) == ("mailing", bad, "error")


async def test_a_client_whose_zone_the_database_does_not_know_stops_only_its_own_message(
    pool: asyncpg.Pool, outbox: Outbox
) -> None:
    await add_clients(pool, 2)
    (lost,) = await add_clients(pool, 1, timezone="Mars/Olympus", first=100)
    now = datetime.now(UTC)
    window = ((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
    mailing_id = await add_mailing(pool, window=window)
    await lifecycle.start_due(pool)
    scheduler = a_scheduler(pool, outbox)
    with capture_logs() as lines:
        for _ in range(3):
            await scheduler.run_pass()
    assert len(outbox.asked()) == 2
    assert [line["log_level"] for line in lines if line["event"] == "time zones unknown"] == ["error"]
    waiting = await pool.fetchrow("SELECT client_id, due_at - now() AS wait FROM flights WHERE released_at IS NULL")
    assert waiting is not None
    assert waiting["client_id"] == lost
    assert timedelta(seconds=30) < waiting["wait"] <= timedelta(minutes=1)
    # An edit of the zone, as the API makes it, or its return to the database lets the message go.
    await pool.execute("UPDATE clients SET timezone = 'UTC' WHERE id = $1", lost)
    await pool.execute("UPDATE flights SET due_at = now() WHERE client_id = $1", lost)
    await scheduler.run_pass()
    assert len(outbox.asked()) == 1
    assert await counts_of(pool, mailing_id) == {"pending": 3}


async def test_a_job_put_back_for_an_unknown_zone_fails_no_claim(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 1, timezone="Mars/Olympus")
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id)
    owner = uuid4()
    await lease_one(pool, owner)
    await releases.take_fresh(pool, owner, {mailing_id: 1})
    await pool.execute("UPDATE mailings SET window_from = '00:00', window_to = '23:59:59'")
    (message_id,) = await ids_of(pool)
    (claim,) = await claim_jobs(pool, uuid4(), [AskedJob(message_id, 1)])
    assert claim.verdict == "put back"


@pytest.fixture
async def publisher(broker_url: str) -> AsyncIterator[Publisher]:
    async with Publisher(broker_url, "test", Health(), TABLE) as opened:
        await opened.publish(Outgoing(topology.MAILINGS, "mailing.test", b"{}"))
        yield opened


async def test_a_batch_of_several_mailings_reaches_the_broker_with_each_share(
    pool: asyncpg.Pool, publisher: Publisher, broker_url: str
) -> None:
    await add_clients(pool, 6)
    first, second = [await add_mailing(pool) for _ in range(2)]
    await lifecycle.start_due(pool)
    for mailing_id in (first, second):
        await expand_all(pool, mailing_id)
    owner = uuid4()
    assert len(await leases.acquire(pool, owner, release=True, most=5)) == 2
    orders = {first: ReleaseOrder(4, True, None), second: ReleaseOrder(9, True, None)}
    assert await release_batch(pool, publisher, owner, orders) == ReleasedBatch(10)
    arrived: asyncio.Queue[Delivery] = asyncio.Queue()
    consumer = Consumer(
        broker_url, "c", Health(), TABLE, queue=topology.DISPATCHER_JOBS, prefetch=20, on_delivery=arrived.put_nowait
    )
    async with consumer, asyncio.timeout(10):
        jobs = [decode(Job, (await arrived.get()).body) for _ in range(10)]
    assert sorted(job.mailing_id for job in jobs) == [first] * 4 + [second] * 6
