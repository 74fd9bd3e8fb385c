"""A request with an Idempotency-Key is done once."""

import asyncpg
import pytest

from services.api.access.identity import BOOTSTRAP
from services.api.mailings.idempotency.keys import IdempotencyKey
from tests.integration.api.fakes import Answered, Api
from tests.integration.api.rows import Rows

BODY = {"text": "Hello", "end_at": "2900-01-01T00:00:00Z", "filter": {}}


async def send(api: Api, key: str, token: str | None = None, **values: object) -> Answered:
    headers = {"Idempotency-Key": key}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return await api.post("/mailings", {**BODY, **values}, headers=headers)


async def count(pool: asyncpg.Pool) -> int:
    number: int = await pool.fetchval("SELECT count(*) FROM mailings")
    return number


async def test_the_same_request_gets_the_first_answer_again(api: Api, pool: asyncpg.Pool) -> None:
    first = await send(api, "order-17")
    # The same moment and the same defaults, written otherwise.
    again = await send(api, "order-17", end_at="2900-01-01T03:00:00+03:00", filter={"tags": []})
    assert (again.status, again.body, again.headers["Location"]) == (201, first.body, first.headers["Location"])
    assert await count(pool) == 1
    assert api.hints.names == ["mailing.created"]


async def test_the_first_answer_stays_although_the_mailing_moves_on(api: Api) -> None:
    first = await send(api, "k")
    await api.delete(f"/mailings/{first.body['id']}")
    assert (await send(api, "k")).body == first.body


async def test_another_body_under_the_same_key_is_refused(api: Api, pool: asyncpg.Pool) -> None:
    await send(api, "k")
    refused = await send(api, "k", text="Other")
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == ["header", "Idempotency-Key"]
    assert await count(pool) == 1


async def test_keys_of_different_tokens_never_meet(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await rows.token("another", "operator")
    await send(api, "k")
    assert (await send(api, "k", token="another", text="Other")).status == 201
    assert await count(pool) == 2


async def test_a_key_is_forgotten_after_a_day(api: Api, pool: asyncpg.Pool) -> None:
    first = await send(api, "k")
    await send(api, "old")
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 hours'")
    again = await send(api, "k", text="Other")
    assert again.status == 201
    assert again.body["id"] != first.body["id"]
    assert await pool.fetchval("SELECT array_agg(key) FROM idempotency_keys") == ["k"]


async def test_a_twin_still_running_is_a_conflict(api: Api, pool: asyncpg.Pool) -> None:
    lock = IdempotencyKey(BOOTSTRAP.name, "k", b"").lock
    async with pool.acquire() as twin, twin.transaction():
        await twin.execute("SELECT pg_advisory_xact_lock($1)", lock)
        refused = await send(api, "k")
        assert (refused.status, refused.headers["Retry-After"]) == (409, "1")
    assert (await send(api, "k")).status == 201


async def test_a_refused_mailing_keeps_no_key(api: Api) -> None:
    assert (await send(api, "k", end_at="1999-01-01T00:00:00Z")).status == 422
    assert (await send(api, "k")).status == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    refused = await send(api, key)
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["header", "Idempotency-Key"])
