"""What happened to a client, and to its messages."""

import asyncpg

from tests.integration.api.fakes import Api
from tests.integration.api.history import a_sent_message, history, kinds
from tests.integration.api.rows import Rows


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
        ("updated", "r3", ["phone", "timezone"]),
    ]
    assert "secret" not in repr(items)
    assert "7999" not in repr(items)


async def test_a_failed_change_of_a_client_leaves_no_trace(api: Api) -> None:
    made = await api.post("/clients", {"phone": "79990000001"})
    await api.post("/clients", {"phone": "79990000002"})
    assert (await api.post("/clients", {"phone": "79990000001"})).status == 409
    assert (await api.patch(f"/clients/{made.body['id']}", {"phone": "79990000002"})).status == 409
    assert kinds(await history(api, f"/clients/{made.body['id']}")) == ["created"]


async def test_an_import_records_what_it_changed_and_whose_token_it_came_with(api: Api, pool: asyncpg.Pool) -> None:
    await api.upload(b"phone\n79990000001\n")
    client = await pool.fetchval("SELECT id FROM clients")
    await api.upload(b"phone,tag,timezone\n79990000001,vip,UTC\n")
    await api.upload(b"phone,tag\n79990000001,vip\n")
    await api.patch(f"/clients/{client}", {"tag": ""})
    items = await history(api, f"/clients/{client}")
    assert kinds(items) == ["created", "updated", "updated"]
    imported = {"by": "env:admin", "source": "import"}
    assert [item["detail"] for item in items[:2]] == [imported, {**imported, "fields": ["tag"]}]
    assert all(item["request_id"] for item in items)


async def test_clients_of_older_imports_have_a_history_without_rows_of_their_own(
    api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    client = await rows.client("79990000001")
    assert kinds(await history(api, f"/clients/{client}")) == ["created"]
    await pool.execute("UPDATE clients SET updated_at = now() + interval '1 s'")
    assert kinds(await history(api, f"/clients/{client}")) == ["created", "updated"]


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
