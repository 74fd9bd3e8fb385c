"""Attributes, several tags and external ids of clients."""

import json
from typing import Any

import asyncpg
import pytest

from tests.integration.api.fakes import Api

PHONE = "79991234567"
ANNA: dict[str, Any] = {
    "phone": PHONE,
    "tags": ["vip", "news"],
    "external_id": "K-4711",
    "attributes": {"name": "Anna", "points": 120, "active": True, "since": "2024-03-01"},
}


async def test_a_client_keeps_what_was_given_and_a_patch_merges(api: Api) -> None:
    made = await api.post("/clients", ANNA)
    assert made.status == 201
    assert {name: made.body[name] for name in ANNA} == ANNA
    assert made.body["tag"] == "vip"
    path = f"/clients/{made.body['id']}"
    changed = await api.patch(path, {"attributes": {"name": "Olga", "points": None}, "tag": "gold"})
    assert changed.body["attributes"] == {"name": "Olga", "active": True, "since": "2024-03-01"}
    assert changed.body["tags"] == ["gold", "news"]
    events = (await api.get(f"{path}/events")).body["items"]
    assert events[-1]["detail"]["fields"] == ["tag", "attributes"]
    assert "Olga" not in repr(events)
    assert (await api.patch(path, {"tag": ""})).body["tags"] == []
    replaced = await api.put(path, {"phone": PHONE})
    assert (replaced.body["attributes"], replaced.body["external_id"], replaced.body["tags"]) == ({}, None, [])


WRONG: list[dict[str, Any]] = [
    {"attributes": {"Name": "x"}},
    {"attributes": {"name": ["x"]}},
    {"attributes": {"name": " "}},
    {"attributes": {"name": "a\nb"}},
    {"attributes": {"points": 1e300}},
    {"attributes": {"points": 10**400}},
    {"attributes": {f"a{number}": 1 for number in range(33)}},
    {"attributes": {"name": "x" * 4096}},
    {"tags": [f"t{number}" for number in range(33)]},
    {"tags": [""]},
    {"tag": "vip", "tags": ["news", "vip"]},
    {"external_id": ""},
    {"external_id": "x" * 65},
]


@pytest.mark.parametrize("given", WRONG)
async def test_what_a_client_may_not_have_is_refused(api: Api, given: dict[str, Any]) -> None:
    refused = await api.post("/clients", {"phone": PHONE, **given})
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"][:2] == ["body", next(reversed(given))]
    assert (await api.get("/clients")).body["items"] == []


async def test_an_external_id_that_no_client_can_have_is_refused_where_it_stands(api: Api) -> None:
    refused = await api.put("/clients/by-external-id/a%00b", {"phone": PHONE})
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["path", "external_id"])


async def test_a_number_of_any_length_spoils_its_line_alone(api: Api) -> None:
    line = b'{"phone": "%d", "attributes": {"points": %d}}\n'
    done = await api.upload(line % (79990000001, 10**400) + line % (79990000002, 1), media="application/x-ndjson")
    assert (done.body["created"], [error["line"] for error in done.body["errors"]]) == (1, [1])


async def test_a_merge_that_makes_too_many_attributes_is_refused(api: Api) -> None:
    made = await api.post("/clients", {"phone": PHONE, "attributes": {f"a{number}": 1 for number in range(30)}})
    refused = await api.patch(f"/clients/{made.body['id']}", {"attributes": {"b": 1, "c": 2, "d": 3}})
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["body", "attributes"])


async def test_an_external_id_leads_to_its_client(api: Api) -> None:
    path = "/clients/by-external-id/K-4711"
    made = await api.put(path, {"phone": PHONE, "attributes": {"name": "Anna"}})
    assert (made.status, made.body["external_id"]) == (201, "K-4711")
    again = await api.put(path, {"phone": "79991234568"})
    assert (again.status, again.body["id"], again.body["phone"]) == (200, made.body["id"], "79991234568")
    assert again.body["attributes"] == {}
    assert (await api.get("/clients?external_id=K-4711")).body["items"] == [again.body]
    taken = await api.post("/clients", {"phone": PHONE, "external_id": "K-4711"})
    assert (taken.status, taken.body["code"]) == (409, "external-id-taken")
    assert (await api.put(path, {"phone": PHONE, "external_id": "other"})).status == 422
    assert (await api.delete(f"/clients/{made.body['id']}")).status == 204
    assert (await api.put(path, {"phone": PHONE})).status == 201


async def test_deletion_erases_everything(api: Api, pool: asyncpg.Pool) -> None:
    made = await api.post("/clients", ANNA)
    await api.delete(f"/clients/{made.body['id']}")
    (row,) = await pool.fetch("SELECT phone, tag, further_tags, external_id, attributes FROM clients")
    assert tuple(row) == (None, "", [], None, "{}")
    assert await pool.fetchval("SELECT count(*) FROM client_tags") == 0


async def test_clients_are_listed_by_any_of_their_tags(api: Api) -> None:
    for number, tags in enumerate((["vip", "news"], ["news"], ["old"], ["old", "vip", "news"])):
        await api.post("/clients", {"phone": f"7999000000{number}", "operator_code": f"90{number % 2}", "tags": tags})
    first = await api.get("/clients?tag=news&limit=2")
    assert [client["id"] for client in first.body["items"]] == [1, 2]
    second = await api.get(f"/clients?tag=news&limit=2&cursor={first.body['next']}")
    assert ([client["id"] for client in second.body["items"]], second.body["next"]) == ([4], None)
    both = await api.get("/clients?tag=news&operator_code=901")
    assert [client["id"] for client in both.body["items"]] == [2, 4]


async def test_an_import_merges_attributes_and_reports_what_does_not_fit(api: Api, pool: asyncpg.Pool) -> None:
    await api.post("/clients", ANNA)
    lines = (
        '{"phone": "79991234567", "attributes": {"name": "Olga", "points": null}, "tag": "gold"}',
        '{"phone": "79991234568", "external_id": "K-4711"}',
        '{"phone": "79991234569", "external_id": "K-1", "tags": ["a", "b"], "attributes": {"x": 1}}',
    )
    report = (await api.upload("\n".join(lines).encode(), "application/x-ndjson")).body
    assert (report["created"], report["updated"], report["rejected"]) == (1, 1, 1)
    assert report["errors"] == [{"line": 2, "detail": "external_id: another client has it"}]
    anna, other = (await api.get("/clients")).body["items"]
    assert (anna["attributes"], anna["tags"]) == (
        {"name": "Olga", "active": True, "since": "2024-03-01"},
        ["gold", "news"],
    )
    assert (other["tags"], other["external_id"], other["attributes"]) == (["a", "b"], "K-1", {"x": 1})
    full = json.dumps({"phone": PHONE, "attributes": {f"a{number}": number for number in range(31)}})
    over = await api.upload(full.encode(), "application/x-ndjson")
    assert (over.body["rejected"], over.body["errors"][0]["line"]) == (1, 1)


async def test_an_external_id_that_a_line_gives_up_is_free_for_the_lines_after_it(api: Api, pool: asyncpg.Pool) -> None:
    for number, external_id in ((1, "K-1"), (2, "K-2"), (3, "K-3")):
        await api.post("/clients", {"phone": f"7999000000{number}", "external_id": external_id})
    # The first takes a new one, the second that of the first, a stranger that of the second; the third has none.
    lines = ["79990000001,K-9", "79990000002,K-1", "79990000004,K-2", "79990000003,", "79990000005,K-3"]
    report = await api.upload("\n".join(["phone,external_id", *lines]).encode(), params={"on_empty": "clear"})
    assert (report.body["created"], report.body["updated"], report.body["rejected"]) == (2, 3, 0), report.body
    found = {one["phone"][-1]: one["external_id"] for one in (await api.get("/clients")).body["items"]}
    assert found == {"1": "K-9", "2": "K-1", "3": None, "4": "K-2", "5": "K-3"}
    # Before it is given up, it is taken: and the refused line comes back whole, to be mended.
    early = await api.upload(
        b"phone,external_id\n79990000002,K-9\n79990000001,K-7\n79990000006,K-9\n", params={"refused": "true"}
    )
    assert (early.body["updated"], early.body["created"], early.body["rejected"]) == (1, 1, 1)
    assert early.body["refused_csv"].splitlines()[1] == "79990000002,K-9,2,external_id: another client has it"
    # Whoever is left as it is gives nothing up.
    await pool.execute(
        """UPDATE clients SET attributes = (SELECT jsonb_object_agg('a' || n, n) FROM generate_series(1, 32) AS n)
        WHERE phone = '79990000001'"""
    )
    body = b"phone,external_id,attributes.b\n79990000001,K-8,x\n79990000002,K-7,\n79990000003,K-3x,\n"
    kept = await api.upload(body, params={"refused": "true"})
    assert (kept.body["updated"], kept.body["rejected"]) == (1, 2), kept.body
    assert [error["line"] for error in kept.body["errors"]] == [3, 2]
    found = {one["phone"][-1]: one["external_id"] for one in (await api.get("/clients")).body["items"]}
    assert (found["1"], found["2"], found["3"]) == ("K-7", "K-1", "K-3x")


async def test_a_date_that_does_not_exist_is_refused_with_its_name(api: Api) -> None:
    refused = await api.post("/clients", ANNA | {"attributes": {"since": "2026-02-30"}})
    assert (refused.status, refused.body["errors"][0]["msg"]) == (422, "since: must be a date that exists")
    report = await api.upload(b"phone,attributes.since\n79991234567,2025-02-29\n79991234568,2024-02-29\n")
    assert report.body["errors"] == [{"line": 2, "detail": "attributes: since: must be a date that exists"}]
    # What only looks like a date, such as the number of a contract, is a text.
    kept = {"contract": "1234-56-78", "room": "4711-02-30"}
    assert (await api.post("/clients", ANNA | {"attributes": kept})).body["attributes"] == kept
