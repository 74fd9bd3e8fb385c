"""Closing: the last resort of what is cancelled, reasons that say what kept a message back, and large mailings."""

import asyncpg
import pytest

from services.planner.closing import store
from services.planner.closing.settler import Settler
from services.planner.metrics import Metrics
from services.planner.store import lifecycle
from shared.database import NO_SCANS
from shared.metrics import new_registry
from tests.support.consistency import check_consistency
from tests.support.mailing_rows import add_clients, add_mailing, counts_of, status_of
from tests.support.planner_steps import expand_all, running_mailing

METRICS = Metrics(new_registry())
END_NOW = "UPDATE mailings SET start_at = clock_timestamp() - interval '1 h', end_at = clock_timestamp()"


async def claim_all(pool: asyncpg.Pool) -> None:
    """Gives every message a flight with an open claim of a dispatcher that is alive."""
    await pool.execute(
        "WITH alive AS (INSERT INTO workers (id, beat_at, sending) VALUES (gen_random_uuid(), now() + '1 h', true)"
        " RETURNING id)"
        " INSERT INTO flights (message_id, mailing_id, client_id, released_at, claimed_number, claimed_by, claimed_at)"
        " SELECT m.id, m.mailing_id, m.client_id, now(), 1, alive.id, now() FROM messages m, alive"
    )


async def reasons_of(pool: asyncpg.Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT status || ': ' || reason AS what, count FROM reasons WHERE count > 0")
    return {row["what"]: row["count"] for row in rows}


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize(
    ("cancelled_ago", "end_in", "settled"), [(50, 600, False), (61, 600, True), (5, -24, False), (5, -26, True)]
)
async def test_a_cancelled_mailing_waits_a_minute_for_open_claims_or_until_its_last_moment(
    pool: asyncpg.Pool, deleted: bool, cancelled_ago: int, end_in: int, settled: bool
) -> None:
    mailing_id = await running_mailing(pool, 3)
    await claim_all(pool)
    await pool.execute(
        "UPDATE mailings SET status = 'cancelled', start_at = now() - interval '1 h',"
        " updated_at = now() - $1 * interval '1 s', end_at = now() + $2 * interval '1 s',"
        " deleted_at = CASE WHEN $3 THEN now() END",
        cancelled_ago,
        end_in,
        deleted,
    )
    settler = Settler(pool, METRICS)
    await settler.close_mailings()
    # A later change of the row, as by a delete, does not put the last resort off.
    await pool.execute("UPDATE mailings SET updated_at = now()")
    await settler.close_mailings()
    assert await counts_of(pool, mailing_id) == ({"cancelled": 3} if settled else {"pending": 3})
    assert await reasons_of(pool) == ({"cancelled: outcome unknown": 3} if settled else {})
    await check_consistency(pool, mailing_id)
    await lifecycle.finish_done(pool)
    assert await status_of(pool, mailing_id) == "cancelled"
    assert await pool.fetchval("SELECT finished_at IS NOT NULL FROM mailings") is settled


@pytest.mark.parametrize(("deleted_ago", "settled"), [(50, False), (61, True)])
async def test_a_deleted_client_waits_a_minute_for_open_claims(
    pool: asyncpg.Pool, deleted_ago: int, settled: bool
) -> None:
    # The mailing goes on for ten minutes, and could for a year: its end is no last resort.
    mailing_id = await running_mailing(pool, 3)
    await claim_all(pool)
    await pool.execute("UPDATE clients SET phone = NULL, deleted_at = now() - $1 * interval '1 s'", deleted_ago)
    await Settler(pool, METRICS).close_clients()
    assert await counts_of(pool, mailing_id) == ({"cancelled": 3} if settled else {"pending": 3})
    assert await reasons_of(pool) == ({"cancelled: outcome unknown": 3} if settled else {})
    assert await pool.fetchval("SELECT count(*) FROM flights") == (0 if settled else 3)
    assert await pool.fetchval("SELECT count(*) FROM clients WHERE settled_at IS NOT NULL") == (3 if settled else 0)
    await check_consistency(pool, mailing_id)


async def test_deleted_clients_that_wait_hold_no_others_up(pool: asyncpg.Pool) -> None:
    await running_mailing(pool, 3)
    await claim_all(pool)
    last = await pool.fetchval(
        "DELETE FROM flights WHERE message_id = (SELECT max(id) FROM messages) RETURNING client_id"
    )
    await pool.execute("UPDATE clients SET phone = NULL, deleted_at = now() - interval '30 s'")
    assert [client.client_id for client in await store.list_deleted_clients(pool)] == [last]
    # Nor do those whose data fail.
    assert await store.list_deleted_clients(pool, [last]) == []


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        ([], "deadline reached"),
        ([("server_error", 503)], "deadline reached, last HTTP 503"),
        ([("server_error", 503), ("too_many", 429)], "deadline reached, last HTTP 429"),
        ([("error_code", 200)], "deadline reached, last error code"),
        ([("unreachable", None)], "deadline reached, last unreachable"),
    ],
)
async def test_the_deadlines_reason_names_the_last_failure(
    pool: asyncpg.Pool, attempts: list[tuple[str, int | None]], reason: str
) -> None:
    mailing_id = await running_mailing(pool, 1)
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, due_at, claimed_number, folded_number)"
        " SELECT id, mailing_id, client_id, now() + interval '1 h', $1, $1 FROM messages",
        len(attempts),
    )
    for number, (outcome, http_status) in enumerate(attempts, start=1):
        await pool.execute(
            "INSERT INTO attempts (message_id, number, mailing_id, started_at, outcome, http_status)"
            " SELECT id, $1, mailing_id, now(), $2, $3 FROM messages",
            number,
            outcome,
            http_status,
        )
    await pool.execute(END_NOW)
    await Settler(pool, METRICS).close_mailings()
    assert await reasons_of(pool) == {f"expired: {reason}": 1}
    assert await counts_of(pool, mailing_id) == {"expired": 1}


async def test_the_deadlines_reason_names_the_pause(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 2)
    await pool.execute("UPDATE mailings SET status = 'paused'")
    await pool.execute(END_NOW)
    await Settler(pool, METRICS).close_mailings()
    assert await reasons_of(pool) == {"expired: deadline reached while paused": 2}
    await lifecycle.finish_done(pool)
    assert await status_of(pool, mailing_id) == "finished"


async def test_an_end_that_was_moved_out_is_obeyed(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 2)
    await pool.execute(END_NOW)
    async with pool.acquire() as operator, operator.transaction():
        await operator.execute("UPDATE mailings SET end_at = now() + interval '1 h'")
        # The planner neither waits for the operator nor closes by the end of before.
        assert await store.begin_closing(pool) == []
    await Settler(pool, METRICS).close_mailings()
    assert await counts_of(pool, mailing_id) == {"pending": 2}


async def test_of_a_large_mailing_all_that_is_unsent_is_settled_wherever_it_is(pool: asyncpg.Pool) -> None:
    await add_clients(pool, 12_000)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id, size=6000)
    # In flight; without a flight, as of a client deleted during the release; never released.
    await pool.execute(
        """
        WITH numbered AS (SELECT m.*, row_number() OVER (ORDER BY id) AS place FROM messages m), flown AS (
            INSERT INTO flights (message_id, mailing_id, client_id, released_at)
            SELECT id, mailing_id, client_id, now() FROM numbered WHERE place <= 6000
        )
        UPDATE mailing_work SET release_cursor = (SELECT id FROM numbered WHERE place = 6100)
        """
    )
    await pool.execute(END_NOW)
    await Settler(pool, METRICS).close_mailings()
    assert await counts_of(pool, mailing_id) == {"expired": 12_000}
    await check_consistency(pool, mailing_id)


async def test_a_chunk_of_a_closing_reads_no_more_flights_than_it_settles(pool: asyncpg.Pool) -> None:
    # Else a million messages that are all in flight at the end would take hours.
    await running_mailing(pool, 8000)
    await claim_all(pool)
    await pool.execute("ANALYZE flights")
    async with pool.acquire() as connection, connection.transaction():
        for setting, value in NO_SCANS.items():
            await connection.execute(f"SET LOCAL {setting} = {value}")
        above, read = 0, 0
        # Scans of an index are counted as the index's.
        reads = """
            SELECT sum(pg_stat_get_xact_tuples_returned(t))::int
            FROM (
                SELECT 'flights'::regclass AS t
                UNION SELECT indexrelid FROM pg_index WHERE indrelid = 'flights'::regclass
            ) AS relations
        """
        for _ in range(4):
            locked = await store.lock_unsent_in_flight(connection, 1, above, 2000)
            assert len(locked.ids) == 2000
            await store.lock_flights(connection, locked.ids)
            before, read = read, await connection.fetchval(reads)
            # Listed, locked, and looked at once more.
            assert read - before <= 4 * 2000
            above = locked.upto or 0


async def test_a_success_changes_no_index(pool: asyncpg.Pool) -> None:
    await running_mailing(pool, 200)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT settle(array_agg(id), array_agg('sent'::message_status), array_agg(NULL::text), array_agg(1),"
            " array_agg(now()), array_agg(now()), array_agg(5), array_agg(200::smallint)) FROM messages"
        )
        hot = await connection.fetchval("SELECT pg_stat_get_xact_tuples_hot_updated('messages'::regclass)")
    assert hot == 200
