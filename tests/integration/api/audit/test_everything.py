"""GET /events names who did what to tokens, segments, the stop list, providers and clients in bulk, and exports."""

from typing import Any

import asyncpg
import pytest

from services.api.access.authenticate import Authenticator
from services.api.stop_list.keys import StopListKey
from tests.integration.api.fakes import ADMIN_TOKEN, Api, MakeApi
from tests.integration.api.http import bare
from tests.integration.api.rows import Rows

TREE = {"all": [{"field": "tag", "op": "eq", "value": "vip"}]}
CSV = {"Content-Type": "text/csv"}
KEY = StopListKey("a-key-of-the-stop-list-that-is-long-enough")


async def events(api: Api, **query: str) -> list[tuple[str, dict[str, Any]]]:
    """Returns the kind and the detail of each event, the oldest first, without who did it."""
    found = (await api.get("/events", params=query)).body["items"]
    assert {event["by"] for event in found} <= {"env:admin", "nobody"}
    return [(one["kind"], {key: value for key, value in one["detail"].items() if key != "by"}) for one in found[::-1]]


async def test_a_segment_is_followed_from_its_creation_to_its_deletion(api: Api) -> None:
    made = (await api.post("/segments", {"name": "vips", "filter": TREE})).body["id"]
    await api.patch(f"/segments/{made}", {"name": "friends"})
    await api.patch(f"/segments/{made}", {"name": "friends"})
    await api.delete(f"/segments/{made}")
    assert await events(api) == [
        ("segment_created", {"segment_id": made, "segment": "vips"}),
        ("segment_updated", {"segment_id": made, "segment": "friends", "fields": ["name"]}),
        ("segment_deleted", {"segment_id": made, "segment": "friends"}),
    ]


async def test_the_stop_list_tells_what_was_added_and_removed_and_no_phone(make_api: MakeApi) -> None:
    api = await make_api(stop_list_key=KEY)
    entry = (await api.post("/suppressions", {"phone": "79990000001", "reason": "asked"})).body["id"]
    await api.post("/suppressions", {"phone": "79990000001", "reason": "again"})
    await api.post("/suppressions/import", data=b"phone\n79990000001\n79990000002\n79990000003\n", headers=CSV)
    await api.delete(f"/suppressions/{entry}")
    assert await events(api) == [
        ("stop_list_added", {"source": "api", "added": 1}),
        ("stop_list_added", {"source": "file", "added": 2}),
        ("stop_list_removed", {"suppression_id": entry}),
    ]


async def test_a_provider_is_drained_and_resumed_once_each(api: Api, pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO provider_states (provider, held_until) VALUES ('smsc', now() + interval '1 h')")
    for action in ("drain", "drain", "resume", "resume"):
        assert (await api.post(f"/providers/smsc/{action}")).status == 200
    await api.post("/providers/reload")
    kinds = ["provider_drained", "provider_resumed", "providers_reloaded"]
    assert [kind for kind, _ in await events(api)] == kinds


async def test_an_import_is_one_event_beside_those_of_its_clients(api: Api) -> None:
    await api.post("/clients/import", data=b"phone,tag\n79990000001,a\n79990000002,b\n", headers=CSV)
    await api.post("/clients/import", data=b"phone,tag\n79990000001,a\n", headers=CSV)
    assert await events(api, kind="clients_imported") == [("clients_imported", {"created": 2, "updated": 0})]


async def test_whoever_reads_a_whole_list_is_named(make_api: MakeApi, rows: Rows) -> None:
    api = await make_api(stop_list_key=KEY)
    mailing = await rows.mailing()
    for path in ("/clients/export", "/suppressions/export", f"/mailings/{mailing}/messages", "/events"):
        await bare(api, "HEAD", path, Accept="text/csv")
        await api.get(path, headers={"Accept": "text/csv"})
    # HEAD reads no list.
    assert await events(api, kind="exported") == [
        ("exported", {"what": "clients"}),
        ("exported", {"what": "stop_list"}),
        ("exported", {"what": "messages", "mailing_id": mailing}),
        ("exported", {"what": "events"}),
    ]


async def test_refused_tokens_are_events_but_not_without_bound(api: Api) -> None:
    for _ in range(25):
        async with api.client.get("/api/v1/token", headers={"Authorization": "Bearer wrong"}) as refused:
            assert refused.status in {401, 429}
    found = await events(api, kind="token_refused")
    assert len(found) == 20
    assert found[0] == ("token_refused", {"address": "127.0.0.1"})


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(required=True, admin_token=ADMIN_TOKEN)


async def test_a_token_is_created_used_and_revoked(
    make_api: MakeApi, authenticator: Authenticator, pool: asyncpg.Pool
) -> None:
    api = await make_api(authenticator=authenticator)
    made = await api.post("/tokens", {"name": "shop", "role": "viewer", "expires_at": "2035-01-30T09:00:00Z"})
    assert (made.status, made.headers["Cache-Control"]) == (201, "no-store")
    assert made.body["token"] not in str([dict(row) for row in await pool.fetch("SELECT * FROM tokens")])
    bearer = {"Authorization": f"Bearer {made.body['token']}"}
    async with api.client.get("/api/v1/token", headers=bearer) as shown:
        assert await shown.json() == {"name": "shop", "role": "viewer"}
    await authenticator.use.store(pool)
    [listed] = (await api.get("/tokens")).body["items"]
    assert (listed["name"], listed["expires_at"], listed["revoked_at"]) == ("shop", "2035-01-30T09:00:00Z", None)
    assert listed["last_used_at"] is not None
    assert "token" not in listed
    again = await api.post("/tokens", {"name": "shop", "role": "admin"})
    assert (again.status, again.body["code"]) == (409, "token-name-taken")
    for status in (204, 404):
        assert (await api.delete(f"/tokens/{listed['id']}")).status == status
    assert await events(api) == [
        ("token_created", {"whose": "shop", "role": "viewer"}),
        ("token_revoked", {"whose": "shop"}),
    ]


async def test_use_is_kept_while_the_database_is_away(authenticator: Authenticator, pool: asyncpg.Pool) -> None:
    authenticator.use.note("shop")
    await pool.execute("INSERT INTO tokens (name, role, hash) VALUES ('shop', 'viewer', sha256('x'))")
    closed = await asyncpg.create_pool(min_size=0, host="127.0.0.1", port=1)
    with pytest.raises(OSError, match="Connect call failed"):
        await authenticator.use.store(closed)
    await authenticator.use.store(pool)
    assert await pool.fetchval("SELECT last_used_at IS NOT NULL FROM tokens")


async def test_a_token_needs_a_name_and_a_role(api: Api) -> None:
    for body in ({"name": "a b", "role": "admin"}, {"name": "ab", "role": "king"}, {"name": "ab"}):
        assert (await api.post("/tokens", body)).status == 422
