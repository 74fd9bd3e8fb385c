"""What happened to mailings and clients, as the API tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now

Json = dict[str, Any]


async def history(api: Api, path: str, **more: Any) -> list[Json]:
    answered = await api.get(f"{path}/events", **more)
    assert answered.status == 200, answered.body
    items: list[Json] = answered.body["items"]
    assert items == sorted(items, key=lambda item: str(item["at"]))
    return items


def kinds(items: list[Json]) -> list[str]:
    return [item["kind"] for item in items]


def a_mailing(**fields: Any) -> Json:
    return {"text": "Hello", "start_at": from_now(hours=1), "end_at": from_now(hours=2), "filter": {}, **fields}


async def test_each_change_of_a_mailing_is_remembered_with_its_request(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    await rows.token("anna", "operator")
    anna = {"Authorization": "Bearer anna"}
    mailing = (await api.post("/mailings", a_mailing(), headers={**anna, "X-Request-ID": "r1"})).body["id"]
    path = f"/mailings/{mailing}"
    await api.patch(path, {"text": "New", "window": {"from": "09:00", "to": "21:00"}}, headers={"X-Request-ID": "r2"})
    await pool.execute("UPDATE mailings SET status = 'running', started_at = now()")
    for action in ("pause", "resume", "cancel"):
        await api.post(f"{path}/{action}", headers={"X-Request-ID": f"r-{action}"})
    items = await history(api, path)
    assert [(item["kind"], item["request_id"], item["detail"]) for item in items] == [
        ("created", "r1", {"by": "anna"}),
        ("updated", "r2", {"by": "env:admin", "fields": ["text", "window"]}),
        ("paused", "r-pause", {"by": "env:admin"}),
        ("resumed", "r-resume", {"by": "env:admin"}),
        ("cancelled", "r-cancel", {"by": "env:admin"}),
    ]


async def test_what_changes_nothing_leaves_no_trace(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    body = a_mailing()
    mailing = (await api.post("/mailings", body, headers=headers)).body["id"]
    path = f"/mailings/{mailing}"
    await api.post("/mailings", body, headers=headers)
    await api.patch(path, {"text": "Hello"})
    await api.patch(path, {"end_at": from_now(hours=-1)})
    assert (await api.post(f"{path}/pause")).status == 409
    for _ in range(2):
        await api.post(f"{path}/cancel")
    assert kinds(await history(api, path)) == ["created", "cancelled"]


async def test_a_deletion_is_kept_where_the_api_does_not_show_it(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing, client = await rows.mailing(), await rows.client("79990000001")
    for path in (f"/mailings/{mailing}", f"/clients/{client}"):
        assert (await api.delete(path, headers={"X-Request-ID": "gone"})).status == 204
        assert (await api.delete(path)).status == 404
        assert (await api.get(f"{path}/events")).status == 404
    stored = await pool.fetch("SELECT mailing_id, client_id, kind, request_id FROM events ORDER BY id")
    assert [tuple(row) for row in stored] == [
        (mailing, None, "deleted", "gone"),
        (None, client, "deleted", "gone"),
    ]


async def test_each_change_of_a_client_is_remembered(api: Api) -> None:
    made = await api.post("/clients", {"phone": "79990000001", "tag": "secret-tag"}, headers={"X-Request-ID": "r1"})
    path = f"/clients/{made.body['id']}"
    await api.patch(path, {"tag": "", "timezone": "Asia/Tokyo"}, headers={"X-Request-ID": "r2"})
    await api.patch(path, {})
    await api.put(path, {"phone": "79990000002"}, headers={"X-Request-ID": "r3"})
    items = await history(api, path)
    assert [(item["kind"], item["request_id"], item["detail"].get("fields")) for item in items] == [
        ("created", "r1", None),
        ("updated", "r2", ["tag", "timezone"]),
        ("updated", "r3", ["phone", "operator_code", "tag", "timezone"]),
    ]
    assert "secret" not in repr(items)
    assert "7999" not in repr(items)


async def test_a_failed_change_of_a_client_leaves_no_trace(api: Api) -> None:
    made = await api.post("/clients", {"phone": "79990000001"})
    await api.post("/clients", {"phone": "79990000002"})
    assert (await api.post("/clients", {"phone": "79990000001"})).status == 409
    assert (await api.patch(f"/clients/{made.body['id']}", {"phone": "79990000002"})).status == 409
    assert kinds(await history(api, f"/clients/{made.body['id']}")) == ["created"]


async def test_imported_clients_have_a_history_without_rows_of_their_own(api: Api, pool: asyncpg.Pool) -> None:
    await api.upload(b"phone\n79990000001\n")
    client = await pool.fetchval("SELECT id FROM clients")
    assert kinds(await history(api, f"/clients/{client}")) == ["created"]
    await api.upload(b"phone,tag\n79990000001,vip\n")
    assert kinds(await history(api, f"/clients/{client}")) == ["created", "updated"]
    await api.patch(f"/clients/{client}", {"tag": ""})
    assert kinds(await history(api, f"/clients/{client}")) == ["created", "updated"]
    await api.upload(b"phone,tag\n79990000001,vip\n")
    assert kinds(await history(api, f"/clients/{client}")) == ["created", "updated", "updated"]
    assert await pool.fetchval("SELECT count(*) FROM events") == 1


BEGUN = datetime.now(UTC)


async def a_sent_message(rows: Rows, client: int) -> tuple[int, int]:
    mailing = await rows.mailing("running")
    message = await rows.message(
        mailing, client, "sent", attempts=1, started_at=BEGUN + timedelta(days=1), duration_ms=5, http_status=200
    )
    return mailing, message


async def test_a_client_sees_what_became_of_its_messages(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    client = await rows.client("79990000001")
    mailing = await rows.mailing("running")
    await pool.execute("UPDATE mailings SET request_id = 'r1'")
    message = await rows.message(mailing, client, "rejected", reason="HTTP 400", attempts=2)
    await rows.attempt(message, 1, "server_error", http_status=500)
    await rows.attempt(message, 2, "refused", http_status=400)
    await pool.execute("UPDATE messages SET created_at = now() - interval '1 min', final_at = now()")
    await pool.execute("UPDATE attempts SET started_at = now() - interval '1 s' * (3 - number)")
    await pool.execute("UPDATE clients SET created_at = now() - interval '1 h', updated_at = now() - interval '1 h'")
    items = await history(api, f"/clients/{client}")
    assert kinds(items) == [
        "created", "message_created", "message_attempted", "message_attempted", "message_ended"
    ]  # fmt: skip
    ids = {"message_id": message, "mailing_id": mailing}
    assert (items[1]["request_id"], items[1]["detail"]) == ("r1", ids)
    attempt = {"number": 1, "outcome": "server_error", "http_status": 500, "duration_ms": 12}
    assert items[2]["detail"] == {**ids, **attempt}
    assert items[4]["detail"] == {**ids, "status": "rejected", "reason": "HTTP 400"}


async def test_a_first_try_success_is_an_attempt_too(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    client, other = await rows.client("79990000001"), await rows.client("79990000002")
    mailing, message = await a_sent_message(rows, client)
    await a_sent_message(rows, other)
    await pool.execute("UPDATE messages SET final_at = started_at + interval '5 ms'")
    items = [item for item in await history(api, f"/clients/{client}") if item["kind"].startswith("message")]
    assert kinds(items) == ["message_created", "message_attempted", "message_ended"]
    attempt = {"number": 1, "outcome": "accepted", "http_status": 200, "duration_ms": 5}
    assert items[1]["detail"] == {"message_id": message, "mailing_id": mailing, **attempt}


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_a_history_has_pages(api: Api, rows: Rows, pool: asyncpg.Pool, limit: int) -> None:
    client = (await api.post("/clients", {"phone": "79990000001"})).body["id"]
    for _ in range(4):
        await a_sent_message(rows, client)
    # Many things at the very same moment.
    await pool.execute("UPDATE messages SET final_at = started_at, created_at = started_at")
    mailing = (await api.post("/mailings", a_mailing())).body["id"]
    for number in range(6):
        await api.patch(f"/mailings/{mailing}", {"text": str(number)})
    for path, count in ((f"/clients/{client}", 13), (f"/mailings/{mailing}", 7)):
        whole = await history(api, path)
        assert len(whole) == count
        pages, following = list[Json](), f"{path}/events?limit={limit}"
        while True:
            page = await api.get(following)
            pages += page.body["items"]
            if page.body["next"] is None:
                break
            assert len(page.body["items"]) == limit
            assert page.headers["Link"].endswith('rel="next"')
            following = f"{path}/events?limit={limit}&cursor={page.body['next']}"
        assert pages == whole


async def test_a_cursor_of_another_history_is_refused(api: Api, rows: Rows) -> None:
    mailing, client = await rows.mailing(), await rows.client("79990000001")
    paths = (f"/mailings/{mailing}", f"/clients/{client}")
    for text in ("one", "two"):
        await api.patch(paths[0], {"text": text})
        await api.patch(paths[1], {"tag": text})
    cursors = [(await api.get(f"{path}/events?limit=1")).body["next"] for path in paths]
    assert (await api.get(f"/mailings/{mailing}/events?cursor={cursors[1]}")).status == 422
    assert (await api.get(f"/clients/{client}/events?cursor={cursors[0]}")).status == 422
    assert (await api.get("/clients?cursor=" + cursors[1])).status == 422


async def test_history_cannot_be_rewritten(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    await api.delete(f"/clients/{await rows.client('79990000001')}")
    with pytest.raises(asyncpg.RaiseError):
        await pool.execute("UPDATE events SET kind = 'never'")
