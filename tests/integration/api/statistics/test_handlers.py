"""Statistics: of everything, of each mailing in a line, and of one mailing."""

import time

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.rows import STATUSES, Rows

COUNTS = {"pending": 1, "retrying": 2, "sent": 30, "rejected": 4, "exhausted": 5, "expired": 6, "cancelled": 7}


async def test_nothing_counts_zero(api: Api) -> None:
    assert (await api.get("/statistics")).body == {
        "mailings": {"total": 0, "draft": 0, "scheduled": 0, "running": 0, "paused": 0, "finished": 0, "cancelled": 0},
        "messages": {"total": 0} | dict.fromkeys(STATUSES, 0),
    }


async def test_totals_count_messages_of_deleted_mailings_too(api: Api, rows: Rows) -> None:
    for status in ("scheduled", "running", "paused", "finished", "cancelled", "cancelled"):
        await rows.mailing(status, **COUNTS)
    deleted = await rows.mailing("finished", sent=1000)
    await api.delete(f"/mailings/{deleted}")
    totals = (await api.get("/statistics")).body
    assert totals["mailings"] == {
        "total": 6, "draft": 0, "scheduled": 1, "running": 1, "paused": 1, "finished": 1, "cancelled": 2
    }  # fmt: skip
    expected = {name: number * 6 for name, number in COUNTS.items()}
    expected["sent"] += 1000
    assert totals["messages"] == {"total": 55 * 6 + 1000, **expected}


async def test_each_mailing_has_a_line(api: Api, rows: Rows) -> None:
    ids = [await rows.mailing("running", **COUNTS), await rows.mailing("finished", sent=3)]
    page = (await api.get("/statistics/mailings?limit=1")).body
    assert [item["mailing_id"] for item in page["items"]] == ids[:0:-1]
    rest = (await api.get(f"/statistics/mailings?cursor={page['next']}")).body
    [line] = rest["items"]
    assert set(line) == {"mailing_id", "status", "start_at", "end_at", "total", "by_status"}
    assert (line["mailing_id"], line["status"], line["total"], line["by_status"]) == (ids[0], "running", 55, COUNTS)
    assert rest["next"] is None


async def test_statistics_of_one_mailing(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing, other = await rows.mailing("running", **COUNTS), await rows.mailing("running", sent=9)
    await pool.execute("UPDATE mailing_work SET expansion_done = true")
    for owner, outcome, number in ((mailing, "accepted", 30), (mailing, "timeout", 12), (other, "accepted", 9)):
        await pool.execute("INSERT INTO outcomes VALUES ($1, $2, $3)", owner, outcome, number)
    for status, reason, number in (("rejected", "400", 4), ("expired", "deadline", 6), ("expired", "left", 0)):
        await pool.execute(
            "INSERT INTO reasons VALUES ($1, $2::text::message_status, $3, $4)", mailing, status, reason, number
        )
    await pool.execute(
        "INSERT INTO minutes VALUES ($1, date_trunc('minute', now()), 30, 9), ($1, '2026-01-01T00:00:00Z', 0, 6)",
        mailing,
    )
    body = (await api.get(f"/mailings/{mailing}/statistics")).body
    assert set(body) == {
        "mailing_id", "status", "total", "by_status", "attempts", "by_provider", "reasons", "delivery", "per_minute",
        "rate", "eta", "started_at", "finished_at",
    }  # fmt: skip
    assert (body["mailing_id"], body["status"], body["total"], body["by_status"]) == (mailing, "running", 55, COUNTS)
    assert body["attempts"] == {"total": 42, "by_outcome": {"accepted": 30, "timeout": 12}}
    assert body["reasons"] == [
        {"status": "expired", "reason": "deadline", "count": 6},
        {"status": "rejected", "reason": "400", "count": 4},
    ]
    assert body["per_minute"][0] == {"at": "2026-01-01T00:00:00Z", "sent": 0, "failed": 6}
    assert (body["per_minute"][1]["sent"], body["per_minute"][1]["failed"]) == (30, 9)
    # It started 30 s ago, a little more by now.
    assert body["rate"] == pytest.approx(39 / 31, rel=0.2)
    assert body["eta"] == pytest.approx(3 / body["rate"], abs=0.2)
    assert body["started_at"] is not None
    assert body["finished_at"] is None


async def test_nobody_knows_how_long_while_the_audience_is_being_frozen(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    mailing = await rows.mailing("running", pending=10)
    await pool.execute("INSERT INTO minutes VALUES ($1, date_trunc('minute', now()), 30, 9)", mailing)
    assert (await api.get(f"/mailings/{mailing}/statistics")).body["eta"] is None


@pytest.mark.parametrize("status", ["scheduled", "paused", "finished", "cancelled"])
async def test_statistics_answer_in_every_state(api: Api, rows: Rows, status: str) -> None:
    mailing = await rows.mailing(status)
    body = (await api.get(f"/mailings/{mailing}/statistics")).body
    assert (body["status"], body["rate"]) == (status, 0.0)
    assert body["attempts"] == {"total": 0, "by_outcome": {}}
    assert (body["reasons"], body["per_minute"]) == ([], [])


async def test_totals_of_ten_thousand_mailings_are_quick(api: Api, pool: asyncpg.Pool) -> None:
    await pool.execute(
        """
        WITH made AS (
            INSERT INTO mailings (text, start_at, end_at, status, finished_at)
            SELECT 'Hello', now(), now() + interval '1 h', 'finished', now() FROM generate_series(1, 10000)
            RETURNING id
        )
        INSERT INTO mailing_counts (mailing_id, total, sent) SELECT id, 100, 100 FROM made
        """
    )
    await pool.execute("ANALYZE mailings, mailing_counts")
    took = []
    for _ in range(10):
        begun = time.perf_counter()
        totals = (await api.get("/statistics")).body
        took.append(time.perf_counter() - begun)
    assert totals["messages"]["sent"] == 1_000_000
    # The aim is 20 ms; the best of ten keeps a busy machine out of it.
    assert min(took) < 0.02
