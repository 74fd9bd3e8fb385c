"""Test-sends: a text goes to a few phones, clients or not, and counts nowhere."""

from typing import Any

import asyncpg
import pytest

from services.api.stop_list.keys import StopListKey
from services.planner.store import lifecycle
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows
from tests.support.planner_steps import expand_all

CLIENT, STRANGER = "79990000001", "79990000002"


async def test_a_test_send_reaches_clients_and_strangers_and_counts_nowhere(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    client = await rows.client(CLIENT)
    before = (await api.get("/statistics")).body
    made = await api.post("/test-sends", {"text": "Hello", "phones": [STRANGER, CLIENT]})
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/test-sends/{made.body['id']}"
    assert [(one["phone"], one["status"]) for one in made.body["messages"]] == [
        (STRANGER, "pending"),
        (CLIENT, "pending"),
    ]
    assert api.hints.names == ["mailing.created"]
    assert len(await lifecycle.start_due(pool)) == 1
    await expand_all(pool, made.body["id"])
    shown = (await api.get(f"/test-sends/{made.body['id']}")).body
    assert [one["message_id"] is None for one in shown["messages"]] == [False, False]
    assert (await api.get("/statistics")).body == before
    for path in ("/mailings", "/statistics/mailings"):
        assert (await api.get(path)).body["items"] == []
    for path in ("", "/messages", "/statistics", "/events"):
        assert (await api.get(f"/mailings/{made.body['id']}{path}")).status == 404
    assert (await api.delete(f"/mailings/{made.body['id']}")).status == 404
    assert [one["id"] for one in (await api.get("/clients")).body["items"]] == [client]


async def test_a_stranger_of_a_test_send_can_become_a_client(api: Api) -> None:
    await api.post("/test-sends", {"text": "Hello", "phones": [STRANGER]})
    assert (await api.post("/clients", {"phone": STRANGER})).status == 201
    again = await api.post("/test-sends", {"text": "Hello", "phones": [STRANGER]})
    assert (again.status, len(again.body["messages"])) == (201, 1)


async def test_a_phone_on_the_stop_list_is_said_to_have_opted_out(make_api: MakeApi, pool: asyncpg.Pool) -> None:
    api = await make_api(stop_list_key=StopListKey("a key of at least sixteen"))
    await api.post("/suppressions", {"phone": STRANGER})
    made = await api.post("/test-sends", {"text": "Hello, {{name}}", "phones": [STRANGER, CLIENT]})

    def ends(body: dict[str, Any]) -> list[tuple[str, str | None]]:
        return [(one["status"], one["reason"]) for one in body["messages"]]

    assert ends(made.body) == [("cancelled", "opted out"), ("pending", None)]
    await lifecycle.start_due(pool)
    await expand_all(pool, made.body["id"])
    shown = (await api.get(f"/test-sends/{made.body['id']}")).body
    assert ends(shown) == [("cancelled", "opted out"), ("pending", None)]
    assert shown["messages"][0]["message_id"] is not None


@pytest.mark.parametrize(
    ("phones", "message"),
    [
        ([], "must have at least 1 entry"),
        ([f"7999000000{n}" for n in range(6)], "must have at most 5 entries"),
        (["12"], "must be 7 and ten more digits, without a plus sign, such as 79161234567"),
        ([CLIENT, CLIENT], "a phone may be given once"),
    ],
)
async def test_wrong_phones_are_refused(api: Api, pool: asyncpg.Pool, phones: list[str], message: str) -> None:
    refused = await api.post("/test-sends", {"text": "Hello", "phones": phones})
    assert refused.status == 422
    assert refused.body["errors"][0]["msg"] == message
    assert await pool.fetchval("SELECT count(*) FROM mailings") == 0


async def test_mailings_are_no_test_sends(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    assert (await api.get(f"/test-sends/{mailing}")).status == 404
    assert (await api.get(f"/test-sends/{await rows.test_send(STRANGER)}")).status == 200
