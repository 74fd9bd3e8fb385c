"""A filter finds the same clients in a preview and when the audience is frozen."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.planner.expansion import expand_chunks
from services.planner.store import lifecycle
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now

PEOPLE = {
    # name: (phone, tags, attributes, time zone)
    "anna": ("79010000001", ["vip", "news"], '{"city": "Moscow", "points": 120, "since": "2024-03-01"}', "UTC"),
    "boris": ("79020000002", ["news"], '{"city": "moscow region", "points": 7}', "Asia/Tokyo"),
    "vera": ("79020000003", [], '{"points": "120", "since": "2025-01-01", "active": true}', "UTC"),
    "gleb": ("79030000004", ["old", "vip"], '{"city": "Tver", "active": false}', "Asia/Tokyo"),
}


async def some_people(rows: Rows) -> dict[str, int]:
    ids = {}
    for name, (phone, tags, attributes, zone) in PEOPLE.items():
        ids[name] = await rows.client(phone, tag=tags[0] if tags else "", timezone=zone)
        await rows.pool.execute(
            "UPDATE clients SET further_tags = $2, attributes = $3::text::jsonb, created_at = $4 WHERE id = $1",
            ids[name],
            tags[1:],
            attributes,
            rows_moment(ids[name]),
        )
    return ids


def rows_moment(client_id: int) -> Any:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=client_id)


def tag(op: str, *value: object) -> dict[str, Any]:
    return {"field": "tag", "op": op, **({"value": value[0]} if value else {})}


def attribute(name: str, op: str, *value: object) -> dict[str, Any]:
    return {"field": "attribute", "name": name, "op": op, **({"value": value[0]} if value else {})}


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({"tags": ["news"]}, {"anna", "boris"}),
    ({"tags": ["vip", "news"]}, {"anna", "boris", "gleb"}),
    ({"tags": [""]}, {"vera"}),
    ({"tags": ["vip"], "operator_codes": ["903"]}, {"gleb"}),
    ({"all": [tag("eq", "news")]}, {"anna", "boris"}),
    ({"all": [tag("ne", "news")]}, {"vera", "gleb"}),
    ({"all": [tag("in", ["old", "news"])]}, {"anna", "boris", "gleb"}),
    ({"all": [tag("exists")]}, {"anna", "boris", "gleb"}),
    ({"all": [tag("exists", False)]}, {"vera"}),
    ({"all": [{"field": "operator_code", "op": "in", "value": ["901", "903"]}]}, {"anna", "gleb"}),
    ({"not": [{"field": "timezone", "op": "eq", "value": "UTC"}]}, {"boris", "gleb"}),
    ({"all": [attribute("city", "eq", "Moscow")]}, {"anna"}),
    ({"all": [attribute("city", "ne", "Moscow")]}, {"boris", "vera", "gleb"}),
    ({"all": [attribute("city", "in", ["Moscow", "Tver"])]}, {"anna", "gleb"}),
    ({"all": [attribute("city", "contains", "MOSCOW")]}, {"anna", "boris"}),
    ({"all": [attribute("city", "exists")]}, {"anna", "boris", "gleb"}),
    ({"all": [attribute("city", "exists", False)]}, {"vera"}),
    # A number is no string, and the other way round.
    ({"all": [attribute("points", "eq", 120)]}, {"anna"}),
    ({"all": [attribute("points", "eq", "120")]}, {"vera"}),
    ({"all": [attribute("points", "gt", 7)]}, {"anna"}),
    ({"all": [attribute("points", "ge", 7.0)]}, {"anna", "boris"}),
    ({"all": [attribute("points", "lt", 100)]}, {"boris"}),
    ({"all": [attribute("since", "le", "2024-03-01")]}, {"anna"}),
    ({"all": [attribute("since", "gt", "2024-03-01")]}, {"vera"}),
    ({"all": [attribute("active", "eq", True)]}, {"vera"}),
    ({"any": [attribute("active", "eq", False), tag("eq", "")]}, {"vera", "gleb"}),
    ({"all": [{"any": [tag("eq", "vip"), tag("eq", "")]}, {"not": [attribute("city", "exists")]}]}, {"vera"}),
    ({"all": [tag("eq", "vip")], "tags": ["news"]}, {"anna"}),
]


async def frozen(pool: asyncpg.Pool, mailing_id: int, size: int = 2) -> set[int]:
    """Starts a mailing and freezes its audience as the planner does, in chunks of two clients."""
    owner = uuid4()
    await lifecycle.start_due(pool)
    await pool.execute("UPDATE mailing_work SET owner = $1, leased_until = now() + interval '1 h'", owner)
    while not all(chunk.done for chunk in await expand_chunks(pool, owner, [mailing_id], size)):
        pass
    rows = await pool.fetch("SELECT client_id FROM messages WHERE mailing_id = $1", mailing_id)
    assert len(rows) == await pool.fetchval("SELECT total FROM mailing_counts WHERE mailing_id = $1", mailing_id)
    return {row["client_id"] for row in rows}


async def both(api: Api, pool: asyncpg.Pool, given: dict[str, Any]) -> set[int]:
    """Previews a mailing and freezes its audience. Returns who is in both."""
    body = {"text": "Hello", "end_at": from_now(hours=1), "filter": given}
    previewed = await api.post("/mailings/preview", body)
    assert previewed.status == 200, previewed.body
    made = await api.post("/mailings", body)
    assert made.status == 201, made.body
    found = await frozen(pool, made.body["id"])
    assert {client["id"] for client in previewed.body["sample"]} == found
    assert previewed.body["recipients"] == len(found)
    return found


async def test_each_kind_of_condition_finds_the_same_in_a_preview_and_in_the_audience(
    api: Api, rows: Rows, pool: asyncpg.Pool, subtests: pytest.Subtests
) -> None:
    ids = await some_people(rows)
    for given, expected in CASES:
        with subtests.test(given=repr(given)):
            assert await both(api, pool, given) == {ids[name] for name in expected}


async def test_conditions_on_time_and_on_messages(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    ids = await some_people(rows)
    earlier = await rows.mailing("finished")
    await rows.message(earlier, ids["anna"], "sent")
    await rows.message(earlier, ids["boris"], "rejected", reason="x")
    after = {"field": "created", "op": "after", "value": rows_moment(ids["boris"]).isoformat()}
    assert await both(api, pool, {"all": [after]}) == {ids["vera"], ids["gleb"]}
    got = {"field": "message", "mailing": earlier, "status": ["sent"]}
    # "Those who did not get mailing 12": the others have no message of it.
    assert await both(api, pool, {"not": [got]}) == {ids["boris"], ids["vera"], ids["gleb"]}
    await pool.execute("UPDATE messages SET status = 'cancelled', final_at = now() WHERE mailing_id <> $1", earlier)
    quiet = {"field": "no_message_within", "value": "7d"}
    assert await both(api, pool, {"all": [quiet]}) == {ids["boris"], ids["vera"], ids["gleb"]}
    await pool.execute("UPDATE messages SET status = 'cancelled', final_at = now() WHERE mailing_id <> $1", earlier)
    await pool.execute("UPDATE messages SET final_at = now() - interval '8 days' WHERE status = 'sent'")
    assert await both(api, pool, {"all": [quiet]}) == set(ids.values())


async def test_a_wrong_condition_is_refused_with_its_path(api: Api) -> None:
    given = {"all": [tag("eq", "vip"), {"not": [attribute("points", "lt", "many")]}]}
    for path in ("/mailings", "/mailings/preview"):
        refused = await api.post(path, {"text": "x", "end_at": from_now(hours=1), "filter": given})
        assert (refused.status, refused.body["errors"]) == (
            422,
            [
                {
                    "loc": ["body", "filter", "all", 1, "not", 0, "value"],
                    "msg": "must be a number or a date such as 2026-11-27",
                }
            ],
        )
    unknown = {"all": [{"field": "message", "mailing": 999}]}
    refused = await api.post("/mailings", {"text": "x", "end_at": from_now(hours=1), "filter": unknown})
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["body", "filter"])


async def test_a_mailing_copies_its_segment_when_it_starts(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    ids = await some_people(rows)
    made = await api.post("/segments", {"name": "VIP", "filter": {"all": [tag("eq", "vip")]}})
    assert made.status == 201
    path = f"/segments/{made.body['id']}"
    assert (await api.get(path)).body == made.body
    assert (await api.get(f"{path}/size")).body == {"clients": 2, "opted_out": 0}
    assert (await api.post("/segments", {"name": "VIP", "filter": {"any": [tag("exists")]}})).body[
        "code"
    ] == "name-taken"
    mailing = {"text": "x", "end_at": from_now(hours=2), "filter": {"segment": made.body["id"]}}
    later = await api.post("/mailings", {**mailing, "start_at": from_now(hours=1)})
    assert later.body["filter"]["all"] is None
    assert (await api.delete(path)).status == 409
    assert await both(api, pool, {"segment": made.body["id"]}) == {ids["anna"], ids["gleb"]}
    changed = await api.patch(path, {"filter": {"not": [tag("eq", "vip")]}})
    assert changed.status == 200
    started = (await api.get("/mailings?status=running")).body["items"][0]["filter"]
    assert (started["segment"], started["all"], started["not"]) == (made.body["id"], [tag("eq", "vip")], None)
    assert await both(api, pool, {"segment": made.body["id"]}) == {ids["boris"], ids["vera"]}
    assert (await api.delete(f"/mailings/{later.body['id']}")).status == 204
    assert (await api.delete(path)).status == 204
    assert (await api.get("/segments")).body["items"] == []
    refused = await api.post("/mailings", mailing)
    assert refused.body["errors"][0]["loc"] == ["body", "filter", "segment"]
