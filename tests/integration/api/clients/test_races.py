"""What two requests do that want the same external id or phone at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from tests.integration.api.fakes import Answered, Api
from tests.support.polling import until

WAITS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())
    """
PHONE, RIVAL = "79991234567", "79991234568"
GIVE = "INSERT INTO clients (phone, operator_code, tag, timezone, external_id) VALUES ($1, '999', '', 'UTC', $2)"
BY_ID = "/clients/by-external-id/K-1"


async def _while_uncommitted(
    pool: asyncpg.Pool, statement: str, values: tuple[object, ...], request: Callable[[], Awaitable[Answered]]
) -> Answered:
    """Sends a request, and commits the statement of a rival when the request waits for it."""
    async with pool.acquire() as rival:
        transaction = rival.transaction()
        await transaction.start()
        await rival.execute(statement, *values)
        sent = asyncio.ensure_future(request())
        await until(lambda: pool.fetchval(WAITS), 10, "the request waits for its rival")
        await transaction.commit()
    return await sent


async def _import(api: Api, *lines: str, **params: str) -> Answered:
    return await api.upload("\n".join(lines).encode(), "application/x-ndjson", params=params)


@pytest.mark.parametrize("on_conflict", ["update", "skip"])
async def test_an_import_refuses_the_line_whose_external_id_is_taken_meanwhile(
    api: Api, pool: asyncpg.Pool, on_conflict: str
) -> None:
    lines = ('{"phone": "79991234560"}', f'{{"phone": "{PHONE}", "external_id": "K-1"}}')
    report = await _while_uncommitted(pool, GIVE, (RIVAL, "K-1"), lambda: _import(api, *lines, on_conflict=on_conflict))
    assert report.status == 200
    assert (report.body["created"], report.body["rejected"], report.body["skipped"]) == (1, 1, 0)
    assert report.body["errors"] == [{"line": 2, "detail": "external_id: another client has it"}]


async def test_an_import_refuses_the_new_external_id_of_an_old_client_if_it_is_taken_meanwhile(
    api: Api, pool: asyncpg.Pool
) -> None:
    await api.post("/clients", {"phone": PHONE})
    line = f'{{"phone": "{PHONE}", "external_id": "K-1"}}'
    report = await _while_uncommitted(pool, GIVE, (RIVAL, "K-1"), lambda: _import(api, line))
    assert (report.status, report.body["rejected"], report.body["updated"]) == (200, 1, 0)


async def test_two_imports_of_the_same_new_client_leave_one(api: Api, pool: asyncpg.Pool) -> None:
    line = f'{{"phone": "{PHONE}", "external_id": "K-1"}}'
    report = await _while_uncommitted(pool, GIVE, (PHONE, "K-1"), lambda: _import(api, line))
    assert (report.status, report.body["rejected"], report.body["skipped"]) == (200, 0, 1)


@pytest.mark.parametrize(("method", "path"), [("POST", "/clients"), ("PUT", "/clients/1"), ("PATCH", "/clients/1")])
async def test_a_request_is_refused_if_the_external_id_is_taken_meanwhile(
    api: Api, pool: asyncpg.Pool, method: str, path: str
) -> None:
    assert (await api.post("/clients", {"phone": "79991234560"})).body["id"] == 1
    body: dict[str, Any] = {"phone": PHONE, "external_id": "K-1"}
    refused = await _while_uncommitted(pool, GIVE, (RIVAL, "K-1"), lambda: api.call(method, path, body))
    assert (refused.status, refused.body["code"]) == (409, "external-id-taken")


async def test_a_request_is_refused_if_the_phone_is_taken_meanwhile(api: Api, pool: asyncpg.Pool) -> None:
    refused = await _while_uncommitted(pool, GIVE, (PHONE, "K-2"), lambda: api.put(BY_ID, {"phone": PHONE}))
    assert (refused.status, refused.body["code"]) == (409, "phone-taken")


@pytest.mark.parametrize("phone", [PHONE, RIVAL])
async def test_a_put_replaces_the_client_that_gets_the_external_id_meanwhile(
    api: Api, pool: asyncpg.Pool, phone: str
) -> None:
    done = await _while_uncommitted(pool, GIVE, (phone, "K-1"), lambda: api.put(BY_ID, {"phone": PHONE, "tag": "vip"}))
    assert (done.status, done.body["phone"], done.body["tag"]) == (200, PHONE, "vip")
    assert len((await api.get("/clients")).body["items"]) == 1


@pytest.mark.parametrize(
    "rival",
    [
        "UPDATE clients SET external_id = 'K-2' WHERE external_id = $1",
        "UPDATE clients SET phone = NULL, external_id = NULL, deleted_at = now() WHERE external_id = $1",
    ],
)
async def test_a_put_creates_a_client_if_the_one_that_was_there_loses_the_external_id_meanwhile(
    api: Api, pool: asyncpg.Pool, rival: str
) -> None:
    before = await api.put(BY_ID, {"phone": RIVAL})
    done = await _while_uncommitted(pool, rival, ("K-1",), lambda: api.put(BY_ID, {"phone": PHONE}))
    assert (done.status, done.body["external_id"]) == (201, "K-1")
    assert done.body["id"] != before.body["id"]
