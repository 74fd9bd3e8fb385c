"""Mailings end to end: real processes, a real broker, a real database and real HTTP."""

import asyncio
import json
import re
import signal
import time
from datetime import datetime

import asyncpg
import pytest

from services.planner.release import make_job
from shared import topology
from shared.broker import Publisher
from shared.health import Health
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import ALL, Stack

ENV = {"HERALD_RETRY_DELAYS": "1s,2s", "HERALD_MAX_ATTEMPTS": "3", "HERALD_PROVIDER_TIMEOUT": "2"}

pytestmark = pytest.mark.timeout(150)


@pytest.fixture
async def stack(make_stack: MakeStack) -> Stack:
    return await make_stack(*ALL, env=ENV)


@pytest.fixture
async def operator(stack: Stack) -> Operator:
    return Operator(stack)


async def test_ten_thousand_clients_are_imported_and_exactly_the_filtered_ones_are_reached(
    operator: Operator, pool: asyncpg.Pool
) -> None:
    await operator.import_numbered(6000, operator_code="901", tag="vip")
    await operator.import_numbered(2500, operator_code="901", tag="old", first=10_000)
    await operator.import_numbered(1500, operator_code="902", tag="vip", first=20_000)
    mailing_id = await operator.create_mailing(filter={"operator_codes": ["902"], "tags": ["vip"]})
    assert await operator.until_status(mailing_id, "finished") == {"sent": 1500}
    ledger = await operator.ledger()
    assert (ledger["unique"], ledger["duplicates"]) == (1500, 0)
    reached = await pool.fetch(
        "SELECT c.operator_code, c.tag, count(*) FROM messages m JOIN clients c ON c.id = m.client_id GROUP BY 1, 2"
    )
    assert [(row["operator_code"], row["tag"], row["count"]) for row in reached] == [("902", "vip", 1500)]
    await check_consistency(pool, mailing_id)


async def test_a_mailing_set_ahead_starts_by_itself_within_a_second_of_its_time(operator: Operator) -> None:
    await operator.import_numbered(20)
    mailing_id = await operator.create_mailing(starts_in=10)
    assert (await operator.get(f"/mailings/{mailing_id}"))["status"] == "scheduled"
    await asyncio.sleep(8)
    assert await operator.ledger() == {"accepted": 0, "unique": 0, "duplicates": 0, "after_deadline": 0, "rejected": 0}
    assert await operator.until_status(mailing_id, "finished", 20) == {"sent": 20}
    shown = await operator.get(f"/mailings/{mailing_id}")
    messages = await operator.messages(mailing_id)
    requests = await operator.ledger(messages[0]["id"])
    start_at = datetime.fromisoformat(shown["start_at"])
    assert 0 <= (datetime.fromisoformat(shown["started_at"]) - start_at).total_seconds() < 1
    assert datetime.fromisoformat(requests[0]["received_at"]) >= start_at


async def test_statistics_add_up_to_what_the_ledger_shows(operator: Operator, pool: asyncpg.Pool) -> None:
    await operator.import_numbered(95)
    await operator.import_csv("79000000400,,,", "79000010400,,,", "79000000500,,,", "79000000200,,,")
    mailing_id = await operator.create_mailing()
    expected = {"sent": 95, "rejected": 2, "exhausted": 2}
    assert await operator.until_status(mailing_id, "finished") == expected
    statistics = await operator.get(f"/mailings/{mailing_id}/statistics")
    outcomes = {"accepted": 95, "refused": 2, "server_error": 3, "unreadable": 3}
    assert statistics["attempts"] == {"total": 103, "by_outcome": outcomes}
    assert sum(minute["sent"] for minute in statistics["per_minute"]) == 95
    assert sum(minute["failed"] for minute in statistics["per_minute"]) == 4
    reasons = {(row["status"], row["reason"]): row["count"] for row in statistics["reasons"]}
    assert reasons["rejected", "HTTP 400"] == 2
    assert sum(reasons.values()) == 4
    ledger = await operator.ledger()
    assert (ledger["accepted"], ledger["unique"], ledger["rejected"]) == (95, 95, 8)
    overall = await operator.get("/statistics")
    assert overall["mailings"]["finished"] == overall["mailings"]["total"] == 1
    assert {status: count for status, count in overall["messages"].items() if count} == expected | {"total": 99}
    (listed,) = (await operator.get("/statistics/mailings"))["items"]
    assert listed["total"] == sum(listed["by_status"].values()) == 99
    await check_consistency(pool, mailing_id)


async def test_a_failed_send_is_retried_until_it_succeeds(operator: Operator) -> None:
    await operator.import_numbered(5)
    await operator.set_faults(modes={"error503": 1.0})
    mailing_id = await operator.create_mailing()
    await operator.until_counts(mailing_id, retrying=5)
    await operator.set_faults(modes={"ok": 1.0})
    assert await operator.until_status(mailing_id, "finished") == {"sent": 5}
    (first, *_) = await operator.messages(mailing_id)
    shown = await operator.get(f"/messages/{first['id']}")
    numbers = [attempt["number"] for attempt in shown["attempts"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["server_error"] * (len(numbers) - 1) + ["accepted"]
    assert shown["attempts"][0]["http_status"] == 503
    assert first["sent_at"] is not None
    assert (await operator.ledger())["duplicates"] == 0


async def test_an_exhausted_message_is_dead_lettered_with_its_reason(
    operator: Operator, broker_url: str, pool: asyncpg.Pool
) -> None:
    await operator.import_csv("79000000500,,,")
    mailing_id = await operator.create_mailing()
    assert await operator.until_status(mailing_id, "finished") == {"exhausted": 1}
    async with Publisher(broker_url, "look", Health(), None) as broker:

        async def connected() -> bool:
            return broker.connected

        await until(connected, 10)
        assert await broker.count_ready(topology.DISPATCHER_DEAD) == 1
    assert await pool.fetchval("SELECT count(*) FROM attempts") == 3


async def test_at_the_deadline_the_rest_expires_and_nothing_is_sent_after_it(
    operator: Operator, pool: asyncpg.Pool
) -> None:
    await operator.import_numbered(3000)
    await operator.set_faults(latency_ms=400)
    mailing_id = await operator.create_mailing(lasts=5)
    counts = await operator.until_status(mailing_id, "finished", 45)
    ledger = await operator.ledger()
    assert counts.keys() == {"sent", "expired"}
    assert counts["sent"] == ledger["accepted"] == ledger["unique"]
    late = await pool.fetchval(
        "SELECT count(*) FROM messages m JOIN mailings x ON x.id = m.mailing_id WHERE m.status = 'sent'"
        " AND m.final_at > x.end_at"
    )
    assert late == 0
    ended = await pool.fetchval("SELECT finished_at - end_at FROM mailings")
    assert ended.total_seconds() < 30
    await check_consistency(pool, mailing_id)


async def test_duplicated_jobs_are_sent_once(operator: Operator, pool: asyncpg.Pool, broker_url: str) -> None:
    await operator.import_numbered(200)
    await operator.set_faults(latency_ms=30)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id)
    async with Publisher(broker_url, "duplicate", Health(), topology.build(DEFAULT_RETRY_DELAYS)) as broker:
        rows = await pool.fetch("SELECT id, client_id FROM messages")
        jobs = [make_job(row["id"], mailing_id, row["client_id"], 1) for row in rows]
        assert all(await broker.publish_all(jobs * 2))
    assert await operator.until_status(mailing_id, "finished") == {"sent": 200}
    assert (await operator.ledger())["accepted"] == 200


async def test_pause_and_resume_in_any_order_lose_and_duplicate_nothing(operator: Operator, pool: asyncpg.Pool) -> None:
    await operator.import_numbered(1500)
    await operator.set_faults(latency_ms=50, jitter_ms=30)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id)
    for pause in (0.02, 0.3, 0.0, 0.6):
        await operator.post(f"/mailings/{mailing_id}/pause")
        await asyncio.sleep(pause)
        await operator.post(f"/mailings/{mailing_id}/resume")
        await asyncio.sleep(pause / 2)
    await operator.post(f"/mailings/{mailing_id}/pause")
    await asyncio.sleep(1)
    held = (await operator.ledger())["accepted"]
    await asyncio.sleep(1)
    assert (await operator.ledger())["accepted"] == held < 1500
    await operator.post(f"/mailings/{mailing_id}/resume")
    assert await operator.until_status(mailing_id, "finished") == {"sent": 1500}
    ledger = await operator.ledger()
    assert (ledger["accepted"], ledger["unique"]) == (1500, 1500)
    await check_consistency(pool, mailing_id)


async def test_a_cancel_acts_at_once_and_the_counts_close(operator: Operator, pool: asyncpg.Pool) -> None:
    await operator.import_numbered(3000)
    await operator.set_faults(latency_ms=100)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id)
    await operator.post(f"/mailings/{mailing_id}/cancel")

    async def closed() -> bool:
        return (await operator.counts(mailing_id)).keys() <= {"sent", "cancelled"}

    await until(closed, 10)
    counts, ledger = await operator.counts(mailing_id), await operator.ledger()
    assert counts["sent"] == ledger["accepted"] < 3000
    assert counts["sent"] + counts["cancelled"] == 3000
    await check_consistency(pool, mailing_id)


async def test_an_edited_text_is_the_one_that_is_sent(operator: Operator) -> None:
    await operator.import_numbered(1000)
    await operator.set_faults(latency_ms=100)
    mailing_id = await operator.create_mailing(text="before")
    await operator.until_counts_begin(mailing_id)
    await operator.patch(f"/mailings/{mailing_id}", {"text": "after"})
    answered = time.time()
    await operator.until_status(mailing_id, "finished")
    texts = []
    for message in await operator.messages(mailing_id):
        (request,) = await operator.ledger(message["id"])
        texts.append(request["text"])
        if request["text"] == "before":
            # A request that began before the answer may be read by a busy sandbox after it.
            assert datetime.fromisoformat(request["received_at"]).timestamp() < answered + 0.5
    assert {"before", "after"} == set(texts)


async def test_a_deleted_clients_message_is_not_sent(operator: Operator) -> None:
    await operator.import_numbered(500)
    await operator.set_faults(latency_ms=200)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id)
    last = (await operator.messages(mailing_id))[-1]
    await operator.delete(f"/clients/{last['client_id']}")
    assert await operator.until_status(mailing_id, "finished") == {"sent": 499, "cancelled": 1}
    assert (await operator.get(f"/messages/{last['id']}"))["reason"] == "client deleted"


async def test_the_api_killed_after_the_commit_loses_nothing(operator: Operator, stack: Stack) -> None:
    await operator.import_numbered(10)
    mailing_id = await operator.create_mailing(starts_in=2)
    await stack.process("api").restart()
    assert await operator.until_status(mailing_id, "finished") == {"sent": 10}


async def test_everything_stops_cleanly_in_mid_mailing_and_goes_on_later(operator: Operator, stack: Stack) -> None:
    await operator.import_numbered(2000)
    await operator.set_faults(latency_ms=50)
    mailing_id = await operator.create_mailing()
    await operator.until_counts_begin(mailing_id)
    for name in ("dispatcher", "planner", "reporter", "api"):
        process = stack.process(name)
        process.kill(signal.SIGTERM)
        async with asyncio.timeout(25):
            assert await process.wait() == 0
    for name in ("reporter", "planner", "dispatcher", "api"):
        await stack.process(name).start()
    assert await operator.until_status(mailing_id, "finished") == {"sent": 2000}
    ledger = await operator.ledger()
    assert (ledger["accepted"], ledger["unique"]) == (2000, 2000)


async def test_logs_show_the_history_of_a_message_and_hold_no_phone_text_or_token(
    operator: Operator, stack: Stack
) -> None:
    secret = "A text that nobody but the client may read"
    await operator.import_csv("79123456789,,vip,Europe/Moscow", "79123450400,,,")
    mailing_id = await operator.create_mailing(text=secret)
    await operator.until_status(mailing_id, "finished")
    (message,) = [one for one in await operator.messages(mailing_id) if one["status"] == "sent"]
    lines = [
        json.loads(line)
        for name in ("api", "planner", "dispatcher", "reporter")
        for line in stack.process(name).text().splitlines()
    ]
    assert all({"event", "level", "service", "time"} <= line.keys() for line in lines)
    events = [line["event"] for line in lines if line.get("message_id") == message["id"]]
    assert "attempt ended" in events
    assert {line["service"] for line in lines if line.get("mailing_id") == mailing_id} >= {
        "api",
        "planner",
        "dispatcher",
    }
    everything = "".join(stack.process(name).text() for name in ("api", "planner", "dispatcher", "reporter"))
    assert not re.search(r"79123456789|79123450400|nobody but the client|eyJ|test-admin-token", everything)
