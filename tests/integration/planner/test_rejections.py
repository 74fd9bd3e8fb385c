"""Mailings are paused when too many of their messages are rejected, and only for what came since a resume."""

import asyncpg
import orjson
import pytest

from services.planner.store.rejections import pause_above
from tests.support.planner_steps import running_mailing


async def count(pool: asyncpg.Pool, sent: int, rejected: int) -> None:
    await pool.execute("UPDATE mailing_counts SET sent = $1, rejected = $2, pending = total - $1 - $2", sent, rejected)


@pytest.mark.parametrize(("sent", "rejected"), [(50, 9), (90, 10)])
async def test_too_few_or_too_small_a_share_pauses_nothing(pool: asyncpg.Pool, sent: int, rejected: int) -> None:
    await running_mailing(pool, 200)
    await count(pool, sent, rejected)
    assert await pause_above(pool, 0.11, 10) == []


async def test_a_mailing_above_the_limit_is_paused_with_its_reason(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 200)
    await count(pool, 90, 10)
    [paused] = await pause_above(pool, 0.1, 10)
    assert (paused.mailing_id, paused.rejected, paused.reason) == (mailing_id, 10, "10 of 100 messages rejected")
    assert await pool.fetchval("SELECT status FROM mailings") == "paused"
    detail = orjson.loads(await pool.fetchval("SELECT detail FROM events WHERE kind = 'paused'"))
    assert (detail["by"], detail["reason"]) == ("herald", "10 of 100 messages rejected")
    assert await pause_above(pool, 0.1, 10) == []


async def test_after_a_resume_only_what_came_since_counts(pool: asyncpg.Pool) -> None:
    await running_mailing(pool, 400)
    await count(pool, 10, 90)
    assert await pause_above(pool, 0.1, 10)
    await pool.execute("UPDATE mailings SET status = 'running'")
    await count(pool, 100, 99)
    assert await pause_above(pool, 0.1, 10) == []
    await count(pool, 190, 110)
    [again] = await pause_above(pool, 0.1, 10)
    assert again.reason == "20 of 200 messages rejected"
