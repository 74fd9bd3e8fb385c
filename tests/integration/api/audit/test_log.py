"""What holds for every history: its pages, its cursors, and that it is never rewritten."""

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.history import Json, a_mailing, a_sent_message, history
from tests.integration.api.rows import Rows


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
