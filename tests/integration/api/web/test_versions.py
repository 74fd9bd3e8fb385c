"""ETag and If-Match: who edits what was changed meanwhile is told, and nothing is written."""

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.http import assert_problem
from tests.integration.api.rows import Rows, from_now


async def test_an_edit_of_the_shown_version_is_made_and_one_of_an_older_version_is_not(api: Api, rows: Rows) -> None:
    path = f"/clients/{await rows.client('79990000001')}"
    first = (await api.get(path)).headers["ETag"]
    edited = await api.patch(path, {"tag": "a"}, headers={"If-Match": first})
    assert edited.status == 200
    assert edited.headers["ETag"] != first
    late = await api.patch(path, {"tag": "b"}, headers={"If-Match": first})
    assert_problem(late, 412)
    shown = await api.get(path)
    assert (shown.body["tag"], shown.headers["ETag"]) == ("a", edited.headers["ETag"])


@pytest.mark.parametrize("given", ['"1"', 'W/"1"', "nonsense", "", '"1", "2"'])
async def test_every_edit_minds_the_version(api: Api, rows: Rows, pool: asyncpg.Pool, given: str) -> None:
    client, mailing = await rows.client("79990000001"), await rows.mailing("running")
    body = {"phone": "79990000002"}
    edits = [
        ("PATCH", f"/clients/{client}", {"tag": "b"}),
        ("PUT", f"/clients/{client}", body),
        ("DELETE", f"/clients/{client}", None),
        ("PATCH", f"/mailings/{mailing}", {"text": "New"}),
        ("POST", f"/mailings/{mailing}/pause", None),
        ("POST", f"/mailings/{mailing}/cancel", None),
        ("POST", f"/mailings/{mailing}/resend", {"statuses": ["expired"]}),
        ("DELETE", f"/mailings/{mailing}", None),
    ]
    state = "SELECT status::text, text FROM mailings UNION ALL SELECT phone, tag FROM clients"
    before = await pool.fetch(state)
    for method, path, sent in edits:
        assert_problem(await api.call(method, path, sent, headers={"If-Match": given}), 412)
    assert (
        await pool.fetch("SELECT status::text, text FROM mailings UNION ALL SELECT phone, tag FROM clients") == before
    )


async def test_any_version_may_be_named_and_one_of_several(api: Api, rows: Rows) -> None:
    path = f"/mailings/{await rows.mailing('running')}"
    assert (await api.post(f"{path}/pause", headers={"If-Match": "*"})).status == 200
    tag = (await api.get(path)).headers["ETag"]
    assert (await api.post(f"{path}/resume", headers={"If-Match": f'"1", {tag}'})).status == 200


async def test_what_changes_nothing_keeps_the_version(api: Api, rows: Rows) -> None:
    client = f"/clients/{await rows.client('79990000001', tag='vip', timezone='UTC')}"
    before = await api.get(client)
    same = {"phone": "79990000001", "operator_code": "999", "tag": "vip", "timezone": "UTC"}
    for answered in (await api.patch(client, {"tag": "vip"}), await api.put(client, same), await api.patch(client, {})):
        assert (answered.status, answered.body) == (200, before.body)
    assert (await api.get(client)).headers["ETag"] == before.headers["ETag"]
    mailing = f"/mailings/{await rows.mailing('paused')}"
    version = (await api.get(mailing)).headers["ETag"]
    assert (await api.post(f"{mailing}/pause")).headers["ETag"] == version


async def test_a_change_of_the_state_is_a_new_version(api: Api, rows: Rows) -> None:
    path = f"/mailings/{await rows.mailing('running')}"
    shown = (await api.get(path)).headers["ETag"]
    await api.post(f"{path}/pause")
    late = await api.patch(path, {"end_at": from_now(hours=2)}, headers={"If-Match": shown})
    assert_problem(late, 412)
