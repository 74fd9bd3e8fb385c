"""The planner's log names every message that a line is about."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from services.planner.closing.settler import Settler
from services.planner.flow_control import FlowControl
from services.planner.metrics import Metrics
from services.planner.scheduler import Scheduler
from services.planner.store import lifecycle
from shared import topology
from shared.broker import Publisher
from shared.health import Health
from shared.metrics import new_registry
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.planner_steps import running_mailing
from tests.support.polling import until

CLIENTS = 30
METRICS = Metrics(new_registry())


@pytest.fixture
async def publisher(broker_url: str) -> AsyncIterator[Publisher]:
    async with Publisher(broker_url, "test", Health(), topology.build(DEFAULT_RETRY_DELAYS)) as opened:

        async def connected() -> bool:
            return opened.connected

        await until(connected, 10)
        yield opened


async def ids_of(pool: asyncpg.Pool) -> list[int]:
    return [row["id"] for row in await pool.fetch("SELECT id FROM messages ORDER BY id")]


def find(lines: list[Any], event: str) -> list[Any]:
    return [line for line in lines if line["event"] == event]


async def test_a_pass_logs_what_was_created_and_released(pool: asyncpg.Pool, publisher: Publisher) -> None:
    await add_clients(pool, CLIENTS)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    scheduler = Scheduler(pool, publisher, uuid4(), FlowControl(200), METRICS)
    with capture_logs(processors=[merge_contextvars]) as lines:
        while not find(lines, "messages released"):
            await scheduler.run_pass()
    message_ids = await ids_of(pool)
    (created,), (released,) = find(lines, "messages created"), find(lines, "messages released")
    assert (created["first_message_id"], created["last_message_id"]) == (message_ids[0], message_ids[-1])
    assert created["messages"] == CLIENTS
    assert sorted(released["message_ids"]) == message_ids
    assert find(lines, "audience frozen")
    # All carry the request that made the mailing.
    assert {(line["mailing_id"], line["request_id"]) for line in lines} == {(mailing_id, "test-request")}


async def test_messages_out_of_their_window_are_logged_as_waiting(pool: asyncpg.Pool, publisher: Publisher) -> None:
    await add_clients(pool, CLIENTS)
    now = await pool.fetchval("SELECT now()::time")
    begins = now.replace(hour=(now.hour + 2) % 24)
    await add_mailing(pool, window=(begins, begins.replace(hour=(begins.hour + 1) % 24)))
    await lifecycle.start_due(pool)
    scheduler = Scheduler(pool, publisher, uuid4(), FlowControl(200), METRICS)
    with capture_logs() as lines:
        while not find(lines, "messages wait for their window"):
            await scheduler.run_pass()
    assert sorted(find(lines, "messages wait for their window")[0]["message_ids"]) == await ids_of(pool)


@pytest.mark.parametrize(
    ("ending", "status", "reason"),
    [
        ("UPDATE mailings SET status = 'cancelled'", "cancelled", "mailing cancelled"),
        ("UPDATE mailings SET start_at = now() - interval '1 h', end_at = now()", "expired", "deadline reached"),
    ],
)
async def test_what_is_settled_is_logged_by_status_and_reason(
    pool: asyncpg.Pool, ending: str, status: str, reason: str
) -> None:
    mailing_id = await running_mailing(pool, CLIENTS)
    await pool.execute(ending)
    with capture_logs() as lines:
        await Settler(pool, METRICS).close_mailings()
    (settled,) = find(lines, "messages settled")
    assert settled == {
        "event": "messages settled",
        "log_level": "info",
        "mailing_id": mailing_id,
        "status": status,
        "reason": reason,
        "message_ids": await ids_of(pool),
    }


async def test_messages_of_a_deleted_client_and_lost_attempts_are_logged(pool: asyncpg.Pool) -> None:
    mailing_id = await running_mailing(pool, 2)
    first, second = await ids_of(pool)
    client_id = await pool.fetchval("SELECT client_id FROM messages WHERE id = $1", first)
    await pool.execute("UPDATE clients SET phone = NULL, deleted_at = now() WHERE id = $1", client_id)
    await pool.execute(
        "INSERT INTO flights (message_id, mailing_id, client_id, released_at, claimed_number, claimed_at)"
        " SELECT id, mailing_id, client_id, now(), 1, now() FROM messages WHERE id = $1",
        second,
    )
    with capture_logs() as lines:
        await Settler(pool, METRICS).close_clients()
        await pool.execute("UPDATE mailings SET start_at = now() - interval '1 h', end_at = now() - interval '30 s'")
        await Settler(pool, METRICS).close_mailings()
    cancelled, expired = find(lines, "messages settled")
    assert (cancelled["client_id"], cancelled["message_ids"]) == (client_id, [first])
    assert (expired["mailing_id"], expired["message_ids"], expired["reason"]) == (
        mailing_id,
        [second],
        "outcome unknown",
    )
    (lost,) = find(lines, "attempts lost")
    assert (lost["message_id"], lost["attempts"]) == (second, (1,))
