"""What happened to a mailing."""

import asyncpg

from tests.integration.api.fakes import Api
from tests.integration.api.history import a_mailing, history, kinds
from tests.integration.api.rows import Rows, from_now


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
