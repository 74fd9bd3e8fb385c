"""Messages: listed as pages and as CSV, and shown with their attempts."""

import csv
import io
from datetime import UTC, datetime

import pytest

from shared.statuses import MessageStatus
from tests.integration.api.fakes import Api
from tests.integration.api.rows import STATUSES, Rows


async def test_messages_of_a_mailing_are_listed_in_pages(api: Api, rows: Rows) -> None:
    mailing, other = await rows.mailing("running"), await rows.mailing("running")
    client = await rows.client("79990000001")
    await rows.message(other, client)
    ids = [await rows.message(mailing, number, "sent", reason=None) for number in range(100, 105)]
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await api.get(f"/mailings/{mailing}/messages?limit=2{cursor}")).body
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ids


async def test_a_message_in_a_list_has_its_fields(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    sent = await rows.message(mailing, 1, "sent", attempts=1)
    await rows.message(mailing, 2, "rejected", attempts=2, reason="400 from the provider")
    flying = await rows.message(mailing, 3, "retrying", attempts=1)
    await rows.flight(flying, folded_number=4)
    items = (await api.get(f"/mailings/{mailing}/messages")).body["items"]
    assert set(items[0]) == {
        "id", "client_id", "phone", "operator_code", "tag", "mailing_id", "status", "reason", "attempts", "created_at",
        "sent_at", "delivery", "delivery_reason", "delivered_at",
    }  # fmt: skip
    assert (items[0]["id"], items[0]["client_id"], items[0]["mailing_id"]) == (sent, 1, mailing)
    assert [item["status"] for item in items] == ["sent", "rejected", "retrying"]
    assert [item["reason"] for item in items] == [None, "400 from the provider", None]
    assert [item["attempts"] for item in items] == [1, 2, 4]
    assert [item["sent_at"] is None for item in items] == [False, True, True]


@pytest.mark.parametrize("status", STATUSES)
async def test_messages_are_filtered_by_status(api: Api, rows: Rows, status: MessageStatus) -> None:
    mailing = await rows.mailing("running")
    ids = {name: await rows.message(mailing, number, name) for number, name in enumerate(STATUSES)}
    items = (await api.get(f"/mailings/{mailing}/messages?status={status}")).body["items"]
    assert [item["id"] for item in items] == [ids[status]]


async def test_all_messages_stream_as_csv(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    for client in range(1500):
        await rows.message(mailing, client, "sent" if client % 2 else "rejected", reason="a, b")
    everything = await api.get(f"/mailings/{mailing}/messages", headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(everything.body)))
    assert [int(row["client_id"]) for row in table] == list(range(1500))
    assert (table[0]["status"], table[0]["reason"], table[0]["sent_at"]) == ("rejected", "a, b", "")
    assert table[1]["sent_at"].endswith("Z")
    sent = await api.get(f"/mailings/{mailing}/messages?status=sent", headers={"Accept": "text/csv"})
    assert len(sent.body.splitlines()) == 751


async def test_messages_are_filtered_by_several_statuses_in_order(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    statuses = ["sent", "expired", "rejected", "sent", "expired", "exhausted"]
    ids = [await rows.message(mailing, number, status) for number, status in enumerate(statuses)]  # type: ignore[arg-type]
    seen: list[int] = []
    path = following = f"/mailings/{mailing}/messages?status=expired,sent&limit=1"
    while following:
        page = (await api.get(following)).body
        seen += [item["id"] for item in page["items"]]
        following = page["next"] and f"{path}&cursor={page['next']}"
    assert seen == [ids[0], ids[1], ids[3], ids[4]]


async def test_messages_are_filtered_by_reason(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    wanted = [await rows.message(mailing, 1, "rejected", reason="HTTP 400")]
    await rows.message(mailing, 2, "rejected", reason="HTTP 404")
    wanted.append(await rows.message(mailing, 3, "exhausted", reason="HTTP 400"))
    path = f"/mailings/{mailing}/messages?reason=HTTP 400"
    assert [item["id"] for item in (await api.get(path)).body["items"]] == wanted
    assert [item["id"] for item in (await api.get(path + "&status=exhausted,sent")).body["items"]] == wanted[1:]


async def test_the_message_to_one_client_is_found(api: Api, rows: Rows) -> None:
    mailing, other = await rows.mailing("running"), await rows.mailing("running")
    anna, boris = await rows.client("79990000001", tag="vip"), await rows.client("79990000002")
    wanted = await rows.message(mailing, anna)
    await rows.message(mailing, boris)
    await rows.message(other, anna)
    for query in (f"client_id={anna}", "phone=79990000001"):
        (item,) = (await api.get(f"/mailings/{mailing}/messages?{query}")).body["items"]
        assert (item["id"], item["phone"], item["operator_code"], item["tag"]) == (wanted, "79990000001", "999", "vip")
    assert (await api.get(f"/mailings/{other}/messages?phone=79990000002")).body["items"] == []
    assert (await api.get(f"/mailings/{mailing}/messages?phone=79990000003")).body["items"] == []
    for more, found in (("status=pending", 1), ("status=sent", 0), ("reason=x", 0), ("phone=79990000002", 0)):
        narrowed = await api.get(f"/mailings/{mailing}/messages?client_id={anna}&{more}")
        assert len(narrowed.body["items"]) == found


async def test_a_message_to_a_deleted_client_shows_neither_phone_nor_tag(api: Api, rows: Rows) -> None:
    mailing, client = await rows.mailing("running"), await rows.client("79990000001", tag="vip")
    await rows.message(mailing, client)
    await api.delete(f"/clients/{client}")
    (item,) = (await api.get(f"/mailings/{mailing}/messages")).body["items"]
    assert (item["phone"], item["operator_code"], item["tag"]) == (None, "999", "")


async def test_messages_for_a_spreadsheet(api: Api, rows: Rows) -> None:
    mailing, client = await rows.mailing("running"), await rows.client("79990000001", tag="=1+1")
    await rows.message(mailing, client, "rejected", reason="@sum; x")
    answered = await api.get(f"/mailings/{mailing}/messages?for=excel", headers={"Accept": "text/csv"})
    header, row = answered.body.removeprefix("\ufeff").splitlines()
    assert answered.body.startswith("\ufeff")
    assert header.startswith("id;client_id;phone;")
    assert ";79990000001;999;'=1+1;" in row
    assert ';rejected;"\'@sum; x";' in row


async def test_messages_of_an_unknown_mailing_are_not_found(api: Api) -> None:
    for accept in ("application/json", "text/csv"):
        assert (await api.get("/mailings/1/messages", headers={"Accept": accept})).status == 404


async def test_a_message_is_shown_with_its_attempts_in_order(api: Api, rows: Rows) -> None:
    message = await rows.message(await rows.mailing("running"), 7, "sent", attempts=3)
    await rows.attempt(message, 3, "accepted", http_status=200)
    await rows.attempt(message, 1, "timeout", detail="no reply in 10 s")
    await rows.attempt(message, 2, "server error", http_status=500)
    shown = (await api.get(f"/messages/{message}")).body
    assert (shown["id"], shown["client_id"], shown["status"]) == (message, 7, "sent")
    assert shown["sent_at"] is not None
    assert [attempt["number"] for attempt in shown["attempts"]] == [1, 2, 3]
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["timeout", "server error", "accepted"]
    first = shown["attempts"][0]
    assert (first["duration_ms"], first["http_status"], first["detail"]) == (12, None, "no reply in 10 s")


async def test_a_first_try_success_is_shown_as_attempt_one(api: Api, rows: Rows) -> None:
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    message = await rows.message(
        await rows.mailing("running"), 7, "sent", attempts=1, started_at=started, duration_ms=34, http_status=200
    )
    assert (await api.get(f"/messages/{message}")).body["attempts"] == [
        {
            "number": 1,
            "started_at": "2026-01-02T03:04:05Z",
            "duration_ms": 34,
            "outcome": "accepted",
            "http_status": 200,
            "detail": None,
            "provider": None,
            "provider_id": None,
            "cost": None,
        }
    ]


async def test_a_first_try_success_is_merged_with_other_attempts(api: Api, rows: Rows) -> None:
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    message = await rows.message(await rows.mailing("running"), 7, "sent", attempts=2, started_at=started)
    await rows.attempt(message, 2, "server error")
    outcomes = [attempt["outcome"] for attempt in (await api.get(f"/messages/{message}")).body["attempts"]]
    assert outcomes == ["accepted", "server error"]


async def test_a_lost_attempt_is_shown_without_the_moment_that_nobody_knows(api: Api, rows: Rows) -> None:
    message = await rows.message(await rows.mailing("running"), 7, "retrying", attempts=1)
    await rows.attempt(message, 1, "lost", detail="its process died")
    shown = await api.get(f"/messages/{message}")
    assert shown.status == 200
    assert shown.body["attempts"][0]["started_at"] is None
    assert shown.body["attempts"][0]["duration_ms"] is None


async def test_a_message_without_attempts_has_none(api: Api, rows: Rows) -> None:
    message = await rows.message(await rows.mailing("running"), 7)
    assert (await api.get(f"/messages/{message}")).body["attempts"] == []


async def test_messages_of_a_deleted_mailing_still_answer(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("finished")
    message = await rows.message(mailing, 7, "sent")
    await api.delete(f"/mailings/{mailing}")
    assert (await api.get(f"/messages/{message}")).status == 200


async def test_the_messages_of_a_client_are_listed_the_newest_mailing_first(api: Api, rows: Rows) -> None:
    client_id, other = await rows.client("79161234567"), await rows.client("79161234568")
    mailings = [await rows.mailing("running") for _ in range(3)]
    for mailing_id in mailings:
        await rows.message(mailing_id, client_id, "sent" if mailing_id == mailings[0] else "pending")
        await rows.message(mailing_id, other)
    first = (await api.get(f"/clients/{client_id}/messages?limit=2")).body
    assert [message["mailing_id"] for message in first["items"]] == mailings[:0:-1]
    second = (await api.get(f"/clients/{client_id}/messages?limit=2&cursor={first['next']}")).body
    assert [(message["mailing_id"], message["status"]) for message in second["items"]] == [(mailings[0], "sent")]
    assert second["next"] is None
    assert (await api.get("/clients/99/messages")).status == 404
