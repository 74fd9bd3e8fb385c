"""Drafts: made, started and duplicated; and mailings found by name, text, state and time."""

from typing import Any

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.http import assert_problem
from tests.integration.api.rows import Rows, from_now


def a_draft(**values: Any) -> dict[str, Any]:
    return {"text": "Hello", "end_at": from_now(hours=1), "filter": {"tags": ["vip"]}, "draft": True, **values}


async def test_a_draft_waits_until_it_is_started(api: Api) -> None:
    made = (await api.post("/mailings", a_draft(name=" Orders of January "))).body
    assert (made["status"], made["name"], made["recipients"]) == ("draft", "Orders of January", None)
    edited = await api.patch(f"/mailings/{made['id']}", {"name": "Orders", "filter": {"tags": []}})
    assert (edited.status, edited.body["name"], edited.body["status"]) == (200, "Orders", "draft")
    started = await api.post(f"/mailings/{made['id']}/start")
    assert (started.status, started.body["status"]) == (200, "scheduled")
    assert started.body["start_at"] > made["start_at"]
    assert started.headers["ETag"] != edited.headers["ETag"]
    kinds = [event["kind"] for event in (await api.get(f"/mailings/{made['id']}/events")).body["items"]]
    assert kinds == ["created", "updated", "scheduled"]


async def test_a_draft_whose_end_is_past_is_not_started(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    draft = await rows.mailing("draft")
    past = "UPDATE mailings SET start_at = now() - interval '2 h', end_at = now() - interval '1 h' WHERE id = $1"
    await pool.execute(past, draft)
    refused = await api.post(f"/mailings/{draft}/start")
    assert_problem(refused, 409)
    assert refused.body["detail"] == "The end of this draft is in the past: change end_at, then start it."
    assert (await api.get(f"/mailings/{draft}")).body["status"] == "draft"
    assert (await api.patch(f"/mailings/{draft}", {"text": "Edited all the same"})).status == 200
    assert (await api.patch(f"/mailings/{draft}", {"end_at": from_now(hours=1)})).status == 200
    assert (await api.post(f"/mailings/{draft}/start")).status == 200


async def test_of_two_tabs_that_start_or_edit_a_draft_the_second_is_told(api: Api) -> None:
    made = await api.post("/mailings", a_draft())
    path, old = (
        f"/mailings/{made.body['id']}",
        {"If-Match": (await api.get(f"/mailings/{made.body['id']}")).headers["ETag"]},
    )
    assert (await api.patch(path, {"text": "First"}, headers=old)).status == 200
    assert (await api.post(path + "/start", headers=old)).status == 412
    assert (await api.get(path)).body["status"] == "draft"


@pytest.mark.parametrize("status", ["draft", "running", "finished", "cancelled"])
async def test_a_duplicate_is_a_draft_with_all_that_was_specified(api: Api, rows: Rows, status: str) -> None:
    mailing = await rows.mailing(status)
    await api.patch(f"/mailings/{mailing}", {"name": "Weekly", "window": {"from": "09:00", "to": "21:00"}})
    made = await api.post(f"/mailings/{mailing}/duplicate")
    shown = (await api.get(f"/mailings/{mailing}")).body
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/mailings/{made.body['id']}"
    same = ("name", "text", "filter", "window", "start_at", "end_at")
    assert {name: made.body[name] for name in same} == {name: shown[name] for name in same}
    assert (made.body["status"], made.body["total"], made.body["started_at"]) == ("draft", 0, None)
    (event,) = (await api.get(f"/mailings/{made.body['id']}/events")).body["items"]
    assert event["detail"]["duplicate_of"] == mailing


async def test_mailings_are_found_by_what_they_say(api: Api) -> None:
    for name, text in (("Скидки января", "Hello"), ("", "50% СКИДКИ"), ("a_b", "C:\\dir"), ("axb", "other")):
        await api.post("/mailings", a_draft(name=name, text=text))

    async def found(q: str) -> list[str]:
        items = (await api.get("/mailings", params={"q": q})).body["items"]
        return [item["name"] + "|" + item["text"] for item in items]

    assert await found("скидки") == ["|50% СКИДКИ", "Скидки января|Hello"]
    assert await found("0% ") == ["|50% СКИДКИ"]
    assert await found("a_b") == ["a_b|C:\\dir"]
    assert await found("c:\\") == ["a_b|C:\\dir"]
    assert await found("nothing like it") == []


async def test_mailings_are_found_by_states_and_start(api: Api, rows: Rows) -> None:
    ids = {status: await rows.mailing(status) for status in ("draft", "scheduled", "running", "finished")}

    async def found(**params: str) -> set[int]:
        return {item["id"] for item in (await api.get("/mailings", params=params)).body["items"]}

    assert await found(status="draft,running") == {ids["draft"], ids["running"]}
    assert await found(start_from=from_now(minutes=10)) == {ids["draft"], ids["scheduled"]}
    assert await found(start_before=from_now(minutes=10), status="finished,draft") == {ids["finished"]}
    refused = await api.get("/mailings", params={"status": "done", "start_from": "yesterday", "q": ""})
    assert refused.status == 422
    assert [error["loc"][1] for error in refused.body["errors"]] == ["status", "q", "start_from"]


async def test_a_name_has_at_most_120_characters(api: Api) -> None:
    assert (await api.post("/mailings", a_draft(name="я" * 120))).status == 201
    refused = await api.post("/mailings", a_draft(name="я" * 121))
    assert refused.body["errors"] == [{"loc": ["body", "name"], "msg": "must have at most 120 characters"}]
