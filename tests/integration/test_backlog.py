"""The backlog that the planner reads from the tables for its metrics."""

import asyncpg
import pytest

from services.planner.store import backlog
from services.planner.store.backlog import FoldProgress
from tests.support.planner_steps import running_mailing


async def test_messages_are_unsent_and_wait_until_they_are_due(pool: asyncpg.Pool) -> None:
    await running_mailing(pool, 10)
    await pool.execute(
        """
        INSERT INTO flights (message_id, mailing_id, client_id, released_at, due_at)
        SELECT id, mailing_id, client_id,
            -- Three wait in a retry queue, two in the table, one is on its way, and one is due in the table.
            CASE WHEN place IN (1, 2, 3, 6) THEN now() END,
            CASE WHEN place <= 5 THEN now() + interval '1 h' ELSE now() END
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM messages) AS m WHERE place <= 7
        """
    )
    [unsent] = await backlog.list_unsent(pool)
    assert (unsent.unsent, unsent.waiting) == (10, 5)
    assert unsent.seconds_left == pytest.approx(600, abs=60)


@pytest.mark.parametrize("status", ["paused", "cancelled"])
async def test_only_running_mailings_have_messages_that_should_be_sent(pool: asyncpg.Pool, status: str) -> None:
    await running_mailing(pool, 3)
    await pool.execute("UPDATE mailings SET status = $1", status)
    assert await backlog.list_unsent(pool) == []
    assert await backlog.count_mailings(pool) == {status: 1}


async def test_what_is_not_due_before_the_end_is_too_late(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 4)
    await pool.execute(
        """
        INSERT INTO flights (message_id, mailing_id, client_id, released_at, due_at)
        SELECT id, mailing_id, client_id, CASE WHEN place = 1 THEN now() END,
            CASE WHEN place <= 3 THEN now() + interval '1 day' ELSE now() + interval '1 s' END
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM messages) AS m
        """
    )
    [unsent] = await backlog.list_unsent(pool)
    assert (unsent.mailing_id, unsent.waiting, unsent.too_late) == (mailing_id, 4, 3)


async def test_how_long_mailings_are_paused_is_read_from_their_events(pool: asyncpg.Pool) -> None:
    assert await backlog.read_paused(pool) is None
    mailing_id = await running_mailing(pool, 1)
    await pool.execute("UPDATE mailings SET status = 'paused'")
    await pool.execute(
        "INSERT INTO events (mailing_id, kind, at) VALUES ($1, 'paused', now() - interval '2 h')", mailing_id
    )
    paused = await backlog.read_paused(pool)
    assert paused is not None
    assert paused.longest == pytest.approx(7200, abs=60)
    assert paused.nearest_end == pytest.approx(600, abs=60)


async def test_the_oldest_message_that_may_be_sent_is_known(pool: asyncpg.Pool) -> None:
    await running_mailing(pool, 1)
    assert await backlog.read_oldest_unsent(pool) is None
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, due_at)"
        " SELECT id, mailing_id, client_id, now() - interval '1 min' FROM messages"
    )
    assert await backlog.read_oldest_unsent(pool) == pytest.approx(60, abs=50)
    assert {"flights", "messages"} <= {table.name for table in await backlog.list_table_sizes(pool)}


async def test_the_oldest_row_of_each_table_is_known_by_one_step_of_an_index(pool: asyncpg.Pool) -> None:
    assert await backlog.list_oldest_rows(pool) == {}
    await running_mailing(pool, 3)
    await pool.execute("UPDATE mailings SET created_at = now() - interval '40 days'")
    await pool.execute("UPDATE messages SET created_at = now() - id * interval '1 h'")
    first, last = await pool.fetchval("SELECT array[min(id), max(id)] FROM messages")
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id) SELECT id, mailing_id, client_id FROM messages"
        " WHERE id = $1",
        last,
    )
    oldest = await backlog.list_oldest_rows(pool)
    assert oldest["mailings"] == pytest.approx(40 * 86400, abs=50)
    assert oldest["messages"] == pytest.approx(first * 3600, abs=50)
    assert oldest["flights"] == pytest.approx(last * 3600, abs=50)
    assert "attempts" not in oldest


async def test_the_age_of_transactions_is_known_and_a_lag_without_a_standby_is_not(pool: asyncpg.Pool) -> None:
    cluster = await backlog.read_cluster(pool)
    assert 0 < cluster.transaction_id_age < 2_100_000_000
    assert cluster.replication_lag is None


async def test_the_age_of_a_fence_is_unknown_until_one_was_folded(pool: asyncpg.Pool) -> None:
    assert await backlog.read_progress(pool) == FoldProgress(results=0, fence_age=None)
    await pool.execute("UPDATE fence SET folded_at = now() - interval '7 s', results = 42")
    progress = await backlog.read_progress(pool)
    assert progress.results == 42
    assert progress.fence_age == pytest.approx(7, abs=5)
