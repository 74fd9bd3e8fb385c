"""Mailings: created, shown, listed, edited, paused, resumed, cancelled and deleted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.rows import STATUSES, Rows, from_now, moment

NO_MESSAGES = dict.fromkeys(STATUSES, 0)


def a_mailing(**values: Any) -> dict[str, Any]:
    return {"text": "Hello", "end_at": from_now(hours=1), "filter": {}, **values}


def close_to(text: str, expected: datetime) -> bool:
    return abs(moment(text) - expected) < timedelta(seconds=10)


# A filter of lists alone.
NO_TREE = {"all": None, "any": None, "not": None, "segment": None}


async def test_a_mailing_is_made_scheduled_for_now(api: Api, pool: asyncpg.Pool) -> None:
    made = await api.post("/mailings", a_mailing(), headers={"X-Request-ID": "made-by-test"})
    assert made.status == 201
    body = made.body
    assert made.headers["Location"] == f"/api/v1/mailings/{body['id']}"
    assert (body["status"], body["total"], body["by_status"]) == ("scheduled", 0, NO_MESSAGES)
    assert (body["window"], body["expanding"]) == (None, False)
    assert body["filter"] == {"operator_codes": [], "tags": [], "unsent_of": None, **NO_TREE}
    assert (body["started_at"], body["finished_at"]) == (None, None)
    assert close_to(body["start_at"], datetime.now(UTC))
    assert body["start_at"].endswith("Z")
    assert (await api.get(f"/mailings/{body['id']}")).body == body
    work = "SELECT count(*) FROM mailing_work JOIN mailing_counts USING (mailing_id) WHERE mailing_id = $1"
    assert await pool.fetchval(work, body["id"]) == 1
    assert await pool.fetchval("SELECT request_id FROM mailings WHERE id = $1", body["id"]) == "made-by-test"
    assert api.hints.sent == [("mailing.created", body["id"], "made-by-test")]


async def test_a_mailing_is_made_as_given(api: Api) -> None:
    given = {
        "text": "Line one\nline two 👍",
        "start_at": "2900-01-01T12:00:00+03:00",
        "end_at": "2900-01-02T12:00:00+03:00",
        "filter": {"operator_codes": ["999", "888"], "tags": ["vip", ""], "unsent_of": None, **NO_TREE},
        "window": {"from": "21:00", "to": "09:30", "days": ["mon", "sat"]},
    }
    made = (await api.post("/mailings", given)).body
    assert made["start_at"] == "2900-01-01T09:00:00Z"
    assert made["end_at"] == "2900-01-02T09:00:00Z"
    assert {name: made[name] for name in ("text", "filter", "window")} == {
        name: given[name] for name in ("text", "filter", "window")
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"end_at": from_now(seconds=-1)}, "must be in the future"),
        ({"start_at": from_now(hours=2)}, "must be after start_at"),
        ({"start_at": "2900-01-01T00:00:00Z", "end_at": "2900-01-01T00:00:00Z"}, "must be after start_at"),
    ],
)
async def test_the_end_is_judged_by_the_clock_of_the_database(api: Api, values: dict[str, str], message: str) -> None:
    refused = await api.post("/mailings", a_mailing(**values))
    assert refused.status == 422
    assert refused.body["errors"] == [{"loc": ["body", "end_at"], "msg": message}]
    assert api.hints.sent == []


async def test_a_start_in_the_past_means_now(api: Api) -> None:
    made = await api.post("/mailings", a_mailing(start_at=from_now(days=-1)))
    assert close_to(made.body["start_at"], datetime.now(UTC))


async def test_the_longest_mailing_fits(api: Api) -> None:
    longest = a_mailing(text="👍" * 2000, filter={"tags": ["👍" * 64] * 1000, "operator_codes": ["999"] * 1000})
    assert (await api.post("/mailings", longest)).status == 201


async def test_mailings_are_listed_newest_first_and_by_status(api: Api, rows: Rows) -> None:
    ids = [await rows.mailing(status) for status in ("running", "scheduled", "running", "finished")]
    listed = (await api.get("/mailings")).body
    assert [item["id"] for item in listed["items"]] == ids[::-1]
    running = (await api.get("/mailings?status=running&limit=1")).body
    assert [item["id"] for item in running["items"]] == [ids[2]]
    rest = (await api.get(f"/mailings?status=running&limit=1&cursor={running['next']}")).body
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([ids[0]], None)


async def test_counts_are_shown_with_the_mailing(api: Api, rows: Rows) -> None:
    counts = {name: number for number, name in enumerate(STATUSES, start=1)}
    mailing = await rows.mailing("running", **counts)
    shown = (await api.get(f"/mailings/{mailing}")).body
    assert (shown["by_status"], shown["total"]) == (counts, sum(counts.values()))


@pytest.mark.parametrize(
    ("status", "done", "expanding"),
    [
        ("scheduled", False, False),
        ("running", False, True),
        ("running", True, False),
        ("paused", False, True),
        ("cancelled", False, False),
        ("finished", True, False),
    ],
)
async def test_a_mailing_shows_whether_its_audience_is_being_frozen(
    api: Api, rows: Rows, pool: asyncpg.Pool, status: str, done: bool, expanding: bool
) -> None:
    mailing = await rows.mailing(status)
    await pool.execute("UPDATE mailing_work SET expansion_done = $2 WHERE mailing_id = $1", mailing, done)
    assert (await api.get(f"/mailings/{mailing}")).body["expanding"] is expanding


ACTIONS = [
    # action, from, what becomes of it; None is a conflict
    ("start", "draft", "scheduled"),
    ("start", "scheduled", "scheduled"),
    ("start", "running", "running"),
    ("start", "paused", None),
    ("start", "finished", None),
    ("start", "cancelled", None),
    ("pause", "draft", None),
    ("pause", "scheduled", None),
    ("pause", "running", "paused"),
    ("pause", "paused", "paused"),
    ("pause", "finished", None),
    ("pause", "cancelled", None),
    ("resume", "draft", None),
    ("resume", "scheduled", None),
    ("resume", "running", "running"),
    ("resume", "paused", "running"),
    ("resume", "finished", None),
    ("resume", "cancelled", None),
    ("cancel", "draft", "cancelled"),
    ("cancel", "scheduled", "cancelled"),
    ("cancel", "running", "cancelled"),
    ("cancel", "paused", "cancelled"),
    ("cancel", "finished", None),
    ("cancel", "cancelled", "cancelled"),
]


@pytest.mark.parametrize(("action", "status", "becomes"), ACTIONS)
async def test_an_action_leads_from_state_to_state(
    api: Api, rows: Rows, action: str, status: str, becomes: str | None
) -> None:
    mailing = await rows.mailing(status)
    answered = await api.post(f"/mailings/{mailing}/{action}")
    assert answered.status == (409 if becomes is None else 200)
    shown = (await api.get(f"/mailings/{mailing}")).body
    assert shown["status"] == (becomes or status)
    hints = {
        "start": "mailing.updated",
        "pause": "mailing.paused",
        "resume": "mailing.resumed",
        "cancel": "mailing.cancelled",
    }
    assert api.hints.names == ([hints[action]] if becomes not in (None, status) else [])
    if becomes is not None:
        assert answered.body == shown


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
@pytest.mark.parametrize("status", ["running", "paused"])
async def test_a_mailing_that_is_closing_obeys_no_more(api: Api, rows: Rows, action: str, status: str) -> None:
    mailing = await rows.mailing(status)
    await rows.start_closing(mailing)
    assert (await api.post(f"/mailings/{mailing}/{action}")).status == 409
    assert (await api.patch(f"/mailings/{mailing}", {"text": "New"})).status == 409
    assert (await api.delete(f"/mailings/{mailing}")).status == 409
    assert (await api.get(f"/mailings/{mailing}")).body["status"] == status


@pytest.mark.parametrize("status", ["draft", "scheduled", "running", "paused", "finished", "cancelled"])
async def test_a_deleted_mailing_is_gone(api: Api, rows: Rows, pool: asyncpg.Pool, status: str) -> None:
    mailing = await rows.mailing(status)
    assert (await api.delete(f"/mailings/{mailing}")).status == 204
    for path in (f"/mailings/{mailing}", f"/mailings/{mailing}/statistics", f"/mailings/{mailing}/messages"):
        assert (await api.get(path)).status == 404
    assert (await api.patch(f"/mailings/{mailing}", {"text": "New"})).status == 404
    assert (await api.post(f"/mailings/{mailing}/cancel")).status == 404
    assert (await api.delete(f"/mailings/{mailing}")).status == 404
    assert (await api.get("/mailings")).body["items"] == []
    stored = await pool.fetchval("SELECT status FROM mailings WHERE id = $1", mailing)
    assert stored == ("finished" if status == "finished" else "cancelled")
    assert api.hints.names == ["mailing.deleted"]


EVERYTHING = {
    "text": "New",
    "start_at": "2900-01-01T00:00:00Z",
    "end_at": "2900-01-02T00:00:00Z",
    "filter": {"operator_codes": [], "tags": ["vip"], "unsent_of": None, **NO_TREE},
    "window": {"from": "09:00", "to": "21:00", "days": ["mon", "fri"]},
}


async def test_everything_of_a_scheduled_mailing_can_be_edited(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("scheduled")
    edited = await api.patch(f"/mailings/{mailing}", EVERYTHING)
    assert edited.status == 200
    assert {name: edited.body[name] for name in EVERYTHING} == EVERYTHING
    assert api.hints.names == ["mailing.updated"]


@pytest.mark.parametrize("status", ["running", "paused"])
async def test_the_end_the_text_and_the_window_of_a_started_mailing_can_be_edited(
    api: Api, rows: Rows, pool: asyncpg.Pool, status: str
) -> None:
    mailing = await rows.mailing(status)
    patch = {name: EVERYTHING[name] for name in ("text", "end_at", "window")}
    edited = await api.patch(f"/mailings/{mailing}", patch)
    assert (edited.status, edited.body["status"]) == (200, status)
    assert {name: edited.body[name] for name in patch} == patch
    assert await pool.fetchval("SELECT window_edited_at IS NOT NULL FROM mailings WHERE id = $1", mailing)
    for refused in ("start_at", "filter"):
        assert (await api.patch(f"/mailings/{mailing}", {refused: EVERYTHING[refused]})).status == 409


async def test_null_clears_the_window(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    await api.patch(f"/mailings/{mailing}", {"window": EVERYTHING["window"]})
    cleared = await api.patch(f"/mailings/{mailing}", {"window": None})
    assert (cleared.status, cleared.body["window"]) == (200, None)


@pytest.mark.parametrize("field", ["text", "start_at", "end_at", "filter"])
async def test_null_clears_nothing_else(api: Api, rows: Rows, field: str) -> None:
    refused = await api.patch(f"/mailings/{await rows.mailing('scheduled')}", {field: None})
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == ["body", field]


@pytest.mark.parametrize("status", ["finished", "cancelled"])
async def test_a_mailing_that_is_over_cannot_be_edited(api: Api, rows: Rows, status: str) -> None:
    assert (await api.patch(f"/mailings/{await rows.mailing(status)}", {"text": "New"})).status == 409


async def test_an_edit_that_changes_nothing_sends_no_hint(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    before = (await api.get(f"/mailings/{mailing}")).body
    for patch in ({}, {"text": before["text"]}, {"window": None}):
        assert (await api.patch(f"/mailings/{mailing}", patch)).body == before
    assert api.hints.sent == []


@pytest.mark.parametrize("status", ["running", "paused"])
async def test_the_end_of_a_started_mailing_comes_with_notice(api: Api, rows: Rows, status: str) -> None:
    mailing = await rows.mailing(status)
    refused = await api.patch(f"/mailings/{mailing}", {"end_at": from_now(seconds=35)})
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == ["body", "end_at"]
    assert (await api.patch(f"/mailings/{mailing}", {"end_at": from_now(seconds=50)})).status == 200


async def test_a_start_moved_to_the_past_means_now(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("scheduled")
    edited = await api.patch(f"/mailings/{mailing}", {"start_at": "1999-01-01T00:00:00Z"})
    assert close_to(edited.body["start_at"], datetime.now(UTC))
    refused = await api.patch(f"/mailings/{mailing}", {"start_at": from_now(hours=3)})
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["body", "end_at"])


async def test_an_edit_waits_for_the_lock_and_then_sees_what_changed(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running")
    async with pool.acquire() as planner:
        closing = planner.transaction()
        await closing.start()
        await planner.execute("SELECT 1 FROM mailings WHERE id = $1 FOR UPDATE", mailing)
        edit = api.patch(f"/mailings/{mailing}", {"text": "New"})
        waiting = asyncio.create_task(edit)
        while not await pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            assert not waiting.done()
        await planner.execute("UPDATE mailing_work SET closing_at = now() WHERE mailing_id = $1", mailing)
        await closing.commit()
    assert (await waiting).status == 409
