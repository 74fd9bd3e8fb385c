"""The directory: one client at a time, and its list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.http import assert_problem
from tests.integration.api.rows import Rows, from_now

PHONE = "79991234567"


async def test_a_client_is_made_with_defaults(api: Api) -> None:
    made = await api.post("/clients", {"phone": PHONE})
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/clients/{made.body['id']}"
    assert made.body["operator_code"] == "999"
    assert (made.body["tag"], made.body["timezone"]) == ("", "UTC")
    assert made.body["created_at"].endswith("Z")
    shown = await api.get(f"/clients/{made.body['id']}")
    assert (shown.status, shown.body) == (200, made.body)


async def test_a_client_is_made_as_given(api: Api) -> None:
    given = {"phone": PHONE, "operator_code": "123", "tag": "вип 👍", "timezone": "Europe/Moscow"}
    made = await api.post("/clients", given)
    assert made.status == 201
    assert {name: made.body[name] for name in given} == given


async def test_a_phone_that_is_there_is_a_conflict(api: Api) -> None:
    await api.post("/clients", {"phone": PHONE})
    again = await api.post("/clients", {"phone": PHONE})
    assert again.status == 409
    assert again.headers["Content-Type"] == "application/problem+json"
    assert PHONE not in str(again.body)


async def test_the_phone_of_a_deleted_client_is_free_again(api: Api, pool: asyncpg.Pool) -> None:
    made = await api.post("/clients", {"phone": PHONE})
    gone = await api.delete(f"/clients/{made.body['id']}")
    assert (gone.status, gone.body) == (204, "")
    assert (await api.get(f"/clients/{made.body['id']}")).status == 404
    assert (await api.delete(f"/clients/{made.body['id']}")).status == 404
    row = await pool.fetchrow("SELECT phone, deleted_at FROM clients WHERE id = $1", made.body["id"])
    assert row is not None
    assert row["phone"] is None
    assert row["deleted_at"] is not None
    assert (await api.post("/clients", {"phone": PHONE})).status == 201


async def test_patch_changes_only_what_is_given(api: Api) -> None:
    made = (await api.post("/clients", {"phone": PHONE, "tag": "old"})).body
    changed = await api.patch(f"/clients/{made['id']}", {"tag": "new"})
    assert changed.status == 200
    assert changed.body == {**made, "tag": "new", "tags": ["new"], "updated_at": changed.body["updated_at"]}
    moved = await api.patch(f"/clients/{made['id']}", {"phone": "78881234567"})
    assert (moved.body["phone"], moved.body["operator_code"]) == ("78881234567", "999")
    cleared = await api.patch(f"/clients/{made['id']}", {"tag": ""})
    assert cleared.body["tag"] == ""


async def test_an_empty_patch_changes_nothing(api: Api) -> None:
    made = (await api.post("/clients", {"phone": PHONE})).body
    assert (await api.patch(f"/clients/{made['id']}", {})).body == made
    assert (await api.patch("/clients/999", {})).status == 404


async def test_patch_takes_a_merge_patch(api: Api) -> None:
    made = (await api.post("/clients", {"phone": PHONE})).body
    headers = {"Content-Type": "application/merge-patch+json"}
    changed = await api.patch(f"/clients/{made['id']}", data=b'{"tag": "x"}', headers=headers)
    assert (changed.status, changed.body["tag"]) == (200, "x")


async def test_put_replaces_the_whole_client(api: Api) -> None:
    given = {"phone": PHONE, "operator_code": "123", "tag": "vip", "timezone": "Asia/Tokyo"}
    made = (await api.post("/clients", given)).body
    put = await api.put(f"/clients/{made['id']}", {"phone": "78881234567"})
    assert put.status == 200
    assert (put.body["operator_code"], put.body["tag"], put.body["timezone"]) == ("888", "", "UTC")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_phone_cannot_be_taken_from_another_client(api: Api, rows: Rows, method: str) -> None:
    await rows.client("78881234567")
    mine = await rows.client(PHONE)
    refused = await api.call(method, f"/clients/{mine}", {"phone": "78881234567"})
    assert refused.status == 409
    assert (await api.get(f"/clients/{mine}")).body["phone"] == PHONE


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_unknown_client_cannot_be_changed(api: Api, method: str) -> None:
    assert (await api.call(method, "/clients/1", {"phone": PHONE})).status == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ("?operator_code=999", [0, 1]),
        ("?tag=vip", [0, 2]),
        ("?tag=", [3]),
        ("?operator_code=999&tag=vip", [0]),
        ("?phone=78880000003", [2]),
        ("?phone=78880000003&operator_code=999", []),
        ("?phone=78880000003&tag=vip", [2]),
        ("?phone=78880000003&tag=vip&operator_code=888", [2]),
        ("?operator_code=000", []),
    ],
)
async def test_the_list_is_filtered(api: Api, rows: Rows, query: str, expected: list[int]) -> None:
    ids = [
        await rows.client("79990000001", tag="vip"),
        await rows.client("79990000002", tag="new"),
        await rows.client("78880000003", tag="vip"),
        await rows.client("78880000004"),
    ]
    listed = await api.get(f"/clients{query}")
    assert listed.status == 200
    assert [item["id"] for item in listed.body["items"]] == [ids[index] for index in expected]
    assert listed.body["next"] is None


async def test_pages_follow_one_another(api: Api, rows: Rows) -> None:
    ids = [await rows.client(f"7999000000{number}", tag="vip") for number in range(5)]
    seen: list[int] = []
    path: str | None = "/clients?limit=2&tag=vip"
    pages = 0
    while path is not None:
        page = await api.get(path)
        seen += [item["id"] for item in page.body["items"]]
        pages += 1
        following = page.body["next"]
        path = None if following is None else f"/clients?limit=2&tag=vip&cursor={following}"
        assert ("Link" in page.headers) == (following is not None)
        if following is not None:
            assert f"cursor={following}" in page.headers["Link"]
            assert page.headers["Link"].endswith('; rel="next"')
    assert (seen, pages) == (ids, 3)


async def test_the_link_of_a_page_leads_to_the_next(api: Api, rows: Rows) -> None:
    ids = [await rows.client(f"7999000000{number}", tag="a&b") for number in range(2)]
    page = await api.get("/clients?limit=1&tag=a%26b")
    link = page.headers["Link"].partition(">")[0].removeprefix("</api/v1")
    assert [item["id"] for item in (await api.get(link)).body["items"]] == ids[1:]


async def a_waiting_flight(rows: Rows, client_id: int, **values: Any) -> int:
    message = await rows.message(await rows.mailing("running"), client_id)
    await rows.flight(message, due_at=datetime.now(UTC) + timedelta(hours=5), **values)
    return message


async def is_due(pool: asyncpg.Pool, message_id: int) -> bool:
    due: bool = await pool.fetchval("SELECT due_at <= now() FROM flights WHERE message_id = $1", message_id)
    return due


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_new_zone_makes_the_waiting_flights_due(api: Api, rows: Rows, pool: asyncpg.Pool, method: str) -> None:
    client, other = await rows.client(PHONE), await rows.client("78881234567")
    mine, theirs = await a_waiting_flight(rows, client), await a_waiting_flight(rows, other)
    released = await a_waiting_flight(rows, client, released_at=datetime.now(UTC))
    changed = await api.call(method, f"/clients/{client}", {"phone": PHONE, "timezone": "Asia/Tokyo"})
    assert changed.status == 200
    assert [await is_due(pool, message) for message in (mine, theirs, released)] == [True, False, False]


async def test_a_patch_without_a_zone_leaves_the_flights_alone(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    client = await rows.client(PHONE)
    mine = await a_waiting_flight(rows, client)
    await api.patch(f"/clients/{client}", {"tag": "vip"})
    assert not await is_due(pool, mine)


async def test_clients_are_found_by_a_part_of_their_phone(api: Api) -> None:
    for phone, tag in (("79161234567", "vip"), ("79031234567", ""), ("79169990000", "vip")):
        await api.post("/clients", {"phone": phone, "tag": tag})

    async def found(query: str) -> list[str]:
        return [client["phone"] for client in (await api.get(f"/clients?{query}")).body["items"]]

    assert await found("q=123-45") == ["79031234567", "79161234567"]
    assert await found("q=8 (916)") == ["79161234567", "79169990000"]
    assert await found("q=%2B7 903") == ["79031234567"]
    assert await found("q=567&tag=vip") == ["79161234567"]
    assert await found("q=567&operator_code=903") == ["79031234567"]
    assert (await api.get("/clients?q=91")).status == 422
    first = await api.get("/clients?q=916&limit=1")
    second = await api.get(f"/clients?q=916&limit=1&cursor={first.body['next']}")
    assert [page.body["items"][0]["phone"] for page in (first, second)] == ["79161234567", "79169990000"]
    assert second.body["next"] is None
    exported = await api.get("/clients/export?q=903", headers={"Accept": "text/csv"})
    assert len(exported.body.splitlines()) == 2


@pytest.mark.parametrize("typed", ["v\u200bip", "\ufeffvip", "\u202avip\u202c", "vip\u00a0"])
async def test_a_tag_finds_what_looks_the_same(api: Api, typed: str) -> None:
    stored = await api.post("/clients", {"phone": PHONE, "tag": typed})
    assert (stored.body["tag"], stored.body["tags"]) == ("vip", ["vip"])
    assert len((await api.get("/clients", params={"tag": typed})).body["items"]) == 1


@pytest.mark.parametrize("blank", [" ", "\u200b", "\u3164", "\u2800", "\ufe0f", "\u0301", "\U000e0041"])
async def test_a_tag_that_nobody_sees_is_refused_wherever_it_is_given(api: Api, blank: str) -> None:
    end_at = from_now(hours=1)
    for path, body in (
        ("/clients", {"phone": PHONE, "tag": blank}),
        ("/clients", {"phone": PHONE, "tags": [blank]}),
        ("/mailings", {"text": "Hello", "end_at": end_at, "filter": {"tags": [blank]}}),
    ):
        refused = await api.post(path, body)
        assert_problem(refused, 422)
        assert refused.body["errors"][0]["msg"] == "must have at least one visible character"
