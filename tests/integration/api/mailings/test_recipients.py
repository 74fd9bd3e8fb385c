"""A mailing whose recipients come from a file: exactly they get it, and nobody else."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.dispatcher.claims.store import AskedJob, claim
from services.planner.store import guests, lifecycle
from tests.integration.api.fakes import Answered, Api
from tests.integration.api.http import assert_problem
from tests.integration.api.rows import Rows, from_now
from tests.support.planner_steps import expand_all

CLIENT, OTHER, STRANGER = "79990000001", "79990000002", "79990000003"


async def a_draft(api: Api) -> int:
    body = {"text": "Hello", "end_at": from_now(hours=1), "filter": {"tags": ["vip"]}, "draft": True}
    made: int = (await api.post("/mailings", body)).body["id"]
    return made


async def send(api: Api, mailing: int, body: str, media: str = "text/csv", **query: str) -> Answered:
    headers = {"Content-Type": media}
    return await api.call("POST", f"/mailings/{mailing}/recipients", data=body.encode(), headers=headers, params=query)


async def filed(api: Api, mailing: int) -> list[tuple[int, str, dict[str, Any]]]:
    items = (await api.get(f"/mailings/{mailing}/recipients")).body["items"]
    return sorted((item["line"], item["phone"], item["values"]) for item in items)


async def test_exactly_the_recipients_of_the_file_get_the_mailing(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    client, _ = await rows.client(CLIENT, tag="other"), await rows.client(OTHER, tag="vip")
    draft = await a_draft(api)
    received = await send(api, draft, f"phone,name\n{CLIENT},Anna\n{STRANGER},\n")
    assert received.body == {"recipients": 2, "rejected": 0, "errors": []}
    shown = (await api.get(f"/mailings/{draft}")).body
    assert (shown["recipients"], shown["filter"]["tags"], shown["filter"]["unsent_of"]) == (2, [], None)
    assert await filed(api, draft) == [(2, CLIENT, {"name": "Anna"}), (3, STRANGER, {})]
    assert [one["id"] for one in (await api.get("/clients")).body["items"]] == [client, client + 1]
    await api.post(f"/mailings/{draft}/start")
    await lifecycle.start_due(pool)
    await expand_all(pool, draft, size=1)
    messages = (await api.get(f"/mailings/{draft}/messages")).body["items"]
    assert sorted(message["phone"] for message in messages) == [CLIENT, STRANGER]


async def test_json_lines_are_recipients_too(api: Api) -> None:
    draft = await a_draft(api)
    body = f'{{"phone": "{CLIENT}", "values": {{"name": "Anna", "points": 3}}}}\n\n{{"phone": "{OTHER}"}}\n'
    assert (await send(api, draft, body, "application/x-ndjson")).body["recipients"] == 2
    assert await filed(api, draft) == [(1, CLIENT, {"name": "Anna", "points": 3}), (3, OTHER, {})]


async def test_a_wrong_line_refuses_the_whole_file(api: Api) -> None:
    draft = await a_draft(api)
    await send(api, draft, f"phone\n{OTHER}\n")
    body = f"phone,name\n{CLIENT},Anna\n12,Bob\n{CLIENT},Anna again\n"
    refused = await send(api, draft, body)
    assert_problem(refused, 422)
    assert [error["loc"] for error in refused.body["errors"]] == [["body", 3], ["body", 4]]
    assert refused.body["errors"][1]["msg"] == "phone: came earlier in the file"
    assert await filed(api, draft) == [(2, OTHER, {})]
    skipped = await send(api, draft, body, on_error="skip")
    assert (skipped.body["recipients"], skipped.body["rejected"]) == (1, 2)
    assert [error["line"] for error in skipped.body["errors"]] == [3, 4]
    assert await filed(api, draft) == [(2, CLIENT, {"name": "Anna"})]


async def test_a_phone_that_comes_twice_is_found_across_batches(api: Api, rows: Rows) -> None:
    await rows.client(CLIENT)
    draft = await a_draft(api)
    # More than a batch, so that the last lines come when the first are stored.
    phones = [CLIENT, STRANGER, *(f"7888{number:07d}" for number in range(6000)), CLIENT, STRANGER]
    received = await send(api, draft, "\n".join(["phone", *phones]), on_error="skip")
    assert received.body["recipients"] == 6002
    assert [error["line"] for error in received.body["errors"]] == [6004, 6005]


async def test_a_file_of_excel_is_read_with_the_parameters_of_the_import(api: Api) -> None:
    draft = await a_draft(api)
    body = "Телефон;Имя;Прочее\n8 (999) 000-00-01;Анна;x\n".encode("cp1251")
    query = {"encoding": "windows-1251", "delimiter": "semicolon", "phones": "repair"}
    query["map"] = "phone,attributes.name,-"
    headers = {"Content-Type": "text/csv"}
    path = f"/mailings/{draft}/recipients"
    assert (await api.call("POST", path, data=body, headers=headers, params=query)).status == 200
    assert await filed(api, draft) == [(2, CLIENT, {"name": "Анна"})]
    refused = await api.call("POST", path, data=body, headers=headers, params={**query, "map": "phone,tag,-"})
    assert refused.body["errors"][0]["loc"] == ["query", "map"]


@pytest.mark.parametrize("body", ["", "phone\n", "name\nAnna\n", "phone,phone\n1,2\n", "phone,Имя\n1,2\n"])
async def test_a_file_without_recipients_is_refused(api: Api, body: str) -> None:
    draft = await a_draft(api)
    assert_problem(await send(api, draft, body), 422)
    assert (await api.get(f"/mailings/{draft}")).body["recipients"] is None


@pytest.mark.parametrize("status", ["scheduled", "running", "paused", "finished", "cancelled"])
async def test_only_a_draft_takes_a_file(api: Api, rows: Rows, status: str) -> None:
    assert_problem(await send(api, await rows.mailing(status), f"phone\n{CLIENT}\n"), 409)


async def test_a_filter_takes_the_place_of_the_file(api: Api) -> None:
    draft = await a_draft(api)
    await send(api, draft, f"phone\n{CLIENT}\n")
    edited = await api.patch(f"/mailings/{draft}", {"filter": {"tags": ["new"]}})
    assert (edited.body["recipients"], edited.body["filter"]["tags"]) == (None, ["new"])
    assert await filed(api, draft) == []


async def test_a_file_is_erased_when_no_mailing_has_it_any_more(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await rows.client(CLIENT)
    draft = await a_draft(api)
    await send(api, draft, f"phone,name\n{CLIENT},Anna\n{STRANGER},Bob\n{OTHER},Cleo\n")
    copy = (await api.post(f"/mailings/{draft}/duplicate")).body
    assert copy["recipients"] == 3
    guest = await pool.fetchval("SELECT id FROM clients WHERE phone = $1", STRANGER)
    await rows.message(draft, guest, "sent")
    await api.delete(f"/mailings/{draft}")
    assert not await guests.erase_chunk(pool, 10)
    await api.delete(f"/mailings/{copy['id']}")
    while await guests.erase_chunk(pool, 1):
        pass
    assert await pool.fetchval("SELECT count(*) FROM recipients") == 0
    assert await pool.fetchval("SELECT count(*) FROM recipient_files") == 0
    left = await pool.fetch("SELECT id, phone FROM clients ORDER BY id")
    assert [(row["id"] == guest, row["phone"]) for row in left] == [(False, CLIENT), (True, None)]


async def test_a_file_that_was_refused_is_erased_after_a_day(api: Api, pool: asyncpg.Pool) -> None:
    draft = await a_draft(api)
    await send(api, draft, f"phone\n{STRANGER}\n12\n")
    assert await pool.fetchval("SELECT count(*) FROM clients") == 1
    assert not await guests.erase_chunk(pool, 10)
    await pool.execute("UPDATE recipient_files SET received_at = now() - interval '25 h'")
    while await guests.erase_chunk(pool, 10):
        pass
    assert await pool.fetchval("SELECT count(*) FROM clients") == 0


async def test_the_values_of_a_file_win_and_one_that_is_missing_stops_the_start(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    client = await rows.client(CLIENT)
    await pool.execute("UPDATE clients SET attributes = jsonb_build_object('name', 'Old', 'city', 'Kazan')")
    draft = await a_draft(api)
    await api.patch(f"/mailings/{draft}", {"text": "{{name}} of {{city}}"})
    assert (await send(api, draft, f"phone,name\n{CLIENT},Anna\n{STRANGER},Bob\n")).status == 200
    refused = await api.post(f"/mailings/{draft}/start")
    assert (refused.status, refused.body["code"]) == (409, "missing-values")
    assert [(one["name"], one["missing"]) for one in refused.body["missing_values"]] == [("city", 1)]
    assert (await api.get(f"/mailings/{draft}")).body["status"] == "draft"
    await api.patch(f"/mailings/{draft}", {"on_missing": "skip"})
    assert (await api.post(f"/mailings/{draft}/start")).status == 200
    await lifecycle.start_due(pool)
    await expand_all(pool, draft)
    messages = {row["client_id"]: row["id"] for row in await pool.fetch("SELECT id, client_id FROM messages")}
    for message in messages.values():
        await rows.flight(message, released_at=datetime.now(UTC))
    claims = await claim(pool, uuid4(), [AskedJob(message, 1) for message in messages.values()])
    found = {one.message_id: (one.text, one.refusal) for one in claims}
    stranger = next(guest for guest in messages if guest != client)
    assert found[messages[client]] == ("Anna of Kazan", None)
    assert found[messages[stranger]] == ("", "no value: city")


async def test_a_draft_shows_the_first_texts_of_its_file_in_the_order_of_the_file(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    client = await rows.client(CLIENT, timezone="Asia/Yekaterinburg", tag="vip")
    await pool.execute("UPDATE clients SET attributes = jsonb_build_object('name', 'Old', 'city', 'Kazan')")
    draft = await a_draft(api)
    text = r"\{{ {{name}} of {{city|nowhere}}"
    await api.patch(f"/mailings/{draft}", {"text": text, "window": {"from": "09:00", "to": "21:00", "days": ["mon"]}})
    await send(api, draft, f"phone,name\n{STRANGER},{{{{city}}}}\n{CLIENT},Anna\n{OTHER},\n")
    shown = await api.get(f"/mailings/{draft}/preview")
    assert shown.status == 200
    assert (shown.body["recipients"], shown.body["by_tag"]) == (3, {"": 2, "vip": 1})
    assert shown.body["window"] == {"from": "09:00", "to": "21:00", "days": ["mon"]}
    assert [one["phone"] for one in shown.body["sample"]] == [STRANGER, CLIENT, OTHER]
    personal = shown.body["personal"]
    assert [one["text"] or one["reason"] for one in personal["samples"]] == [
        "{{ {{city}} of nowhere",
        "{{ Anna of Kazan",
        "no value: name",
    ]
    assert [(one["name"], one["required"], one["missing"]) for one in personal["placeholders"]] == [
        ("name", True, 1),
        ("city", False, 2),
    ]
    assert personal["samples"][1]["client_id"] == client
    assert_problem(await api.get("/mailings/999/preview"), 404)


async def test_the_preview_of_a_mailing_with_a_filter_is_that_of_its_body(api: Api, rows: Rows) -> None:
    await rows.client(CLIENT, tag="vip")
    body = {"text": "Hello {{name|you}}", "end_at": from_now(hours=1), "filter": {"tags": ["vip"]}}
    made = (await api.post("/mailings", {**body, "draft": True})).body["id"]
    assert (await api.get(f"/mailings/{made}/preview")).body == (await api.post("/mailings/preview", body)).body
