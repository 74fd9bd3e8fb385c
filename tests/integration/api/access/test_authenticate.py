"""Who may call the API, and who may call what."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.api.access.authenticate import Authenticator
from services.api.access.known_tokens import KnownTokens
from services.api.access.tokens import create_token
from services.api.routes import ROUTES
from services.api.web.route import Route
from shared.statuses import ROLES
from tests.integration.api.fakes import ADMIN_TOKEN, Api, MakeApi
from tests.integration.api.http import path_of
from tests.integration.api.rows import Rows

PAST, FUTURE = datetime.now(UTC) - timedelta(seconds=1), datetime.now(UTC) + timedelta(hours=1)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


NO_TOKEN = [
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "Basic dXNlcjpwYXNz"},
    {"Authorization": "the-admin-token"},
    {"Authorization": "Bearer the-admin-tokens"},
    {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "Bearer " + "x" * 5000},
]


async def test_without_a_token_there_is_a_401(api: Api, subtests: pytest.Subtests) -> None:
    for header in NO_TOKEN:
        with subtests.test(header=header["Authorization"][:40]):
            refused = await api.get("/clients", headers=header)
            assert refused.status == 401
            assert refused.headers["WWW-Authenticate"].startswith("Bearer")
            assert refused.headers["Content-Type"] == "application/problem+json"


async def test_a_401_hides_what_exists(api: Api) -> None:
    for path in ("/api/v1/nothing", "/api/v1/clients/abc", "/api/v2", "/api/v1", "/%61pi/v1/clients"):
        async with api.client.get(path) as response:
            assert response.status == 401, path


async def test_a_401_is_answered_before_the_body_is_read(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    headers = {**bearer("wrong"), "Content-Type": "text/csv"}
    try:
        refused = await api.post("/clients/import", data=endless(), headers=headers)
    except ConnectionError:
        return
    assert refused.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_stored_token_opens(api: Api, rows: Rows, scheme: str) -> None:
    plain, _ = create_token()
    await rows.token("name", "viewer", plain=plain, expires_at=FUTURE)
    assert (await api.get("/clients", headers={"Authorization": f"{scheme} {plain}"})).status == 200


@pytest.mark.parametrize("values", [{"expires_at": PAST}, {"revoked_at": PAST}])
async def test_a_dead_token_does_not_open(api: Api, rows: Rows, values: dict[str, Any]) -> None:
    await rows.token("dead", "admin", **values)
    assert (await api.get("/clients", headers=bearer("dead"))).status == 401


def call_of(route: Route) -> tuple[str, str]:
    """A request for a route, with ids that do not exist and no body."""
    return route.method, path_of(route.path, "a" if "{provider:" in route.path else "1")


async def test_every_route_asks_for_its_role(
    api: Api, rows: Rows, pool: asyncpg.Pool, subtests: pytest.Subtests
) -> None:
    for role in ROLES:
        await rows.token(f"the-{role}", role)
    # None of the tokens may have the id that a route revokes.
    await pool.execute("UPDATE tokens SET id = DEFAULT")
    for route in ROUTES:
        method, path = call_of(route)
        for role in ROLES:
            with subtests.test(method=method, path=path, role=role):
                answered = await api.call(method, path, headers=bearer(f"the-{role}"))
                assert (answered.status == 403) == (ROLES.index(role) < ROLES.index(route.role))
                # Without a broker and a key of the stop list these are unavailable.
                assert answered.status < 500 or route.path.startswith(("/dead-letters", "/suppressions"))


async def test_a_viewer_reads_and_writes_nothing(api: Api, rows: Rows) -> None:
    await rows.token("look", "viewer")
    assert (await api.get("/statistics", headers=bearer("look"))).status == 200
    refused = await api.post("/clients", {"phone": "79990000001"}, headers=bearer("look"))
    assert (refused.status, refused.body["title"]) == (403, "Forbidden")
    assert (await api.get("/clients")).body["items"] == []


async def test_switched_off_everybody_may(make_api: MakeApi) -> None:
    api = await make_api(authenticator=Authenticator(required=False, admin_token=None))
    async with api.client.get("/api/v1/clients") as response:
        assert response.status == 200


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8080"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "192.168.0.1"},
    {"Host": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


async def test_switched_off_pages_of_others_may_not(make_api: MakeApi, subtests: pytest.Subtests) -> None:
    api = await make_api(authenticator=Authenticator(required=False, admin_token=None))
    for headers in FOREIGN:
        for method, path in (("GET", "/api/v1/clients"), ("POST", "/api/v1/mailings/1/cancel")):
            with subtests.test(method=method, **headers):
                async with api.client.request(method, path, headers=headers) as response:
                    assert (response.status, (await response.json())["code"]) == (403, "foreign-origin")


async def test_switched_off_the_console_and_programs_may(make_api: MakeApi, subtests: pytest.Subtests) -> None:
    api = await make_api(authenticator=Authenticator(required=False, admin_token=None))
    own = {"Host": "localhost:8080", "Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, {"Host": "[::1]:8080"}, {"Host": "localhost"}, own, {"Sec-Fetch-Site": "none"}):
        with subtests.test(**headers):
            async with api.client.get("/api/v1/clients", headers=headers) as response:
                assert response.status == 200


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("dead", ["revoked_at = now()", "expires_at = now() - interval '1 s'"])
async def test_a_token_that_dies_stops_opening_within_half_a_second(
    make_api: MakeApi, rows: Rows, pool: asyncpg.Pool, dead: str
) -> None:
    clock = Clock()
    api = await make_api(authenticator=Authenticator(required=True, admin_token=None, tokens=KnownTokens(clock)))
    await rows.token("anna", "viewer", expires_at=FUTURE)
    assert (await api.get("/clients", headers=bearer("anna"))).status == 200
    await pool.execute(f"UPDATE tokens SET {dead}")
    clock.now += 0.6
    refused = await api.get("/clients", headers=bearer("anna"))
    assert refused.status == 401
    assert "expired or revoked" in refused.body["detail"]


async def test_a_token_in_the_address_opens_nothing(api: Api) -> None:
    for name in ("token", "access_token"):
        async with api.client.get("/api/v1/clients", params={name: ADMIN_TOKEN}) as response:
            assert response.status == 401
