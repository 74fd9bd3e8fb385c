"""POST /mailings/{id}/resend."""

import asyncpg
import pytest

from shared.statuses import MessageStatus
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now

FAILED = {"statuses": ["rejected", "exhausted"]}


async def a_finished_mailing(rows: Rows) -> int:
    """One message sent, one rejected, one exhausted, one expired, and one rejected whose client is gone."""
    mailing_id = await rows.mailing("finished", sent=1, rejected=2, exhausted=1, expired=1)
    statuses: tuple[MessageStatus, ...] = ("sent", "rejected", "exhausted", "expired", "rejected")
    for place, status in enumerate(statuses):
        client_id = await rows.client(f"7900000000{place}")
        message_id = await rows.message(mailing_id, client_id, status, attempts=1)
        await rows.attempt(message_id, 1, "refused")
    await rows.pool.execute("UPDATE clients SET phone = NULL, deleted_at = now() WHERE phone = '79000000004'")
    return mailing_id


async def test_a_finished_mailing_runs_again_for_what_failed(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing_id = await a_finished_mailing(rows)
    answer = await api.post(f"/mailings/{mailing_id}/resend", FAILED, headers={"X-Request-ID": "again"})
    assert (answer.status, answer.body) == (202, {"messages": 2})
    shown = (await api.get(f"/mailings/{mailing_id}")).body
    assert (shown["status"], shown["finished_at"]) == ("running", None)
    (row,) = await pool.fetch("SELECT mailing_id, statuses::text[], request_id, done_at FROM resends")
    assert tuple(row) == (mailing_id, ["exhausted", "rejected"], "again", None)
    assert api.hints.sent == [("mailing.updated", mailing_id, "again")]
    history = (await api.get(f"/mailings/{mailing_id}/events")).body["items"]
    assert [(one["kind"], one["request_id"], one["detail"]["messages"]) for one in history] == [("resent", "again", 2)]
    # The planner reopens them; the API never touches messages.
    assert await pool.fetchval("SELECT count(*) FROM messages WHERE status = 'pending'") == 0


async def test_with_nothing_to_send_again_nothing_changes(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing_id = await a_finished_mailing(rows)
    answer = await api.post(f"/mailings/{mailing_id}/resend", {"statuses": ["cancelled"]})
    assert (answer.status, answer.body) == (202, {"messages": 0})
    assert (await api.get(f"/mailings/{mailing_id}")).body["status"] == "finished"
    assert (await pool.fetchval("SELECT count(*) FROM resends"), api.hints.sent) == (0, [])


@pytest.mark.parametrize("status", ["running", "paused"])
async def test_a_mailing_that_has_not_ended_stays_as_it_is(api: Api, rows: Rows, status: str) -> None:
    mailing_id = await rows.mailing(status, rejected=1)
    message_id = await rows.message(mailing_id, await rows.client("79000000001"), "rejected", attempts=1)
    await rows.attempt(message_id, 1, "refused")
    assert (await api.post(f"/mailings/{mailing_id}/resend", FAILED)).body == {"messages": 1}
    assert (await api.get(f"/mailings/{mailing_id}")).body["status"] == status


async def test_a_message_whose_attempt_may_still_be_under_way_is_not_counted(api: Api, rows: Rows) -> None:
    mailing_id = await rows.mailing("running", rejected=1)
    message_id = await rows.message(mailing_id, await rows.client("79000000001"), "rejected", attempts=2)
    await rows.attempt(message_id, 1, "refused")
    assert (await api.post(f"/mailings/{mailing_id}/resend", FAILED)).body == {"messages": 0}


async def test_a_second_resend_waits_for_the_first(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing_id = await a_finished_mailing(rows)
    await api.post(f"/mailings/{mailing_id}/resend", FAILED)
    refused = await api.post(f"/mailings/{mailing_id}/resend", {"statuses": ["expired"]})
    assert (refused.status, refused.headers["Retry-After"]) == (409, "1")
    await pool.execute("UPDATE resends SET done_at = now()")
    assert (await api.post(f"/mailings/{mailing_id}/resend", {"statuses": ["expired"]})).body == {"messages": 1}


async def test_those_who_did_not_get_it_get_it_after_the_end(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing_id = await a_finished_mailing(rows)
    await pool.execute("UPDATE mailings SET end_at = now() - interval '1 h', start_at = now() - interval '2 h'")
    await pool.execute("UPDATE mailing_work SET closing_at = now()")
    path, again = f"/mailings/{mailing_id}", {"statuses": ["expired"], "end_at": from_now(hours=1)}
    assert (await api.post(f"{path}/resend", {"statuses": ["expired"]})).status == 409
    near = await api.post(f"{path}/resend", {**again, "end_at": from_now(seconds=30)})
    assert (near.status, near.body["errors"][0]["loc"]) == (422, ["body", "end_at"])
    assert (await api.get(path)).body["status"] == "finished"
    answer = await api.post(f"{path}/resend", again)
    assert (answer.status, answer.body) == (202, {"messages": 1})
    shown = (await api.get(path)).body
    assert (shown["status"], shown["finished_at"]) == ("running", None)
    assert await pool.fetchval("SELECT closing_at FROM mailing_work WHERE mailing_id = $1", mailing_id) is None
    assert await pool.fetchval("SELECT end_at > now() + interval '50 min' FROM mailings") is True


async def test_while_a_mailing_is_settled_it_is_not_sent_again(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing_id = await rows.mailing("running", rejected=1)
    await pool.execute("UPDATE mailing_work SET closing_at = now()")
    refused = await api.post(f"/mailings/{mailing_id}/resend", {**FAILED, "end_at": from_now(hours=1)})
    assert refused.status == 409
    assert await pool.fetchval("SELECT closing_at IS NOT NULL FROM mailing_work") is True


async def test_a_cancelled_mailing_is_a_conflict(api: Api, rows: Rows) -> None:
    refused = await api.post(f"/mailings/{await rows.mailing('cancelled')}/resend", FAILED)
    assert refused.status == 409
    assert "cancelled" in refused.body["detail"]


async def test_a_mailing_past_its_end_is_a_conflict(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    closing, ended = await rows.mailing("running"), await rows.mailing("finished")
    await rows.start_closing(closing)
    await pool.execute("UPDATE mailings SET end_at = now() - interval '1 s' WHERE id = $1", ended)
    for mailing_id in (closing, ended):
        refused = await api.post(f"/mailings/{mailing_id}/resend", FAILED)
        assert refused.status == 409
        assert "past its end" in refused.body["detail"]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body"]),
        ({"statuses": ["rejected"], "delivery": ["undelivered"]}, ["body"]),
        ({"delivery": ["delivered"]}, ["body", "delivery", 0]),
        ({"statuses": []}, ["body", "statuses"]),
        ({"statuses": ["sent"]}, ["body", "statuses", 0]),
        ({"statuses": ["pending"]}, ["body", "statuses", 0]),
        ({"statuses": "rejected"}, ["body", "statuses"]),
        ({"statuses": ["rejected"], "force": True}, ["body", "force"]),
    ],
)
async def test_what_cannot_be_sent_again_is_refused(api: Api, rows: Rows, body: object, loc: list[object]) -> None:
    refused = await api.post(f"/mailings/{await rows.mailing('running')}/resend", body)
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == loc


async def test_an_unknown_mailing_is_not_found(api: Api) -> None:
    assert (await api.post("/mailings/999/resend", FAILED)).status == 404
