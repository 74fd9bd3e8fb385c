"""Signing in by OpenID Connect against an issuer that lies in every way."""

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from yarl import URL

from services.api.access.authenticate import Authenticator
from services.api.sign_in.roles import read_role_map
from services.api.sign_in.secrets import MOST_BEGUN
from services.api.sign_in.settings import SignInSettings
from services.api.sign_in.wiring import make_sign_in
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.sign_in.issuer import CLIENT, SECRET, Claims, LyingIssuer, serve_issuer

PUBLIC = "http://127.0.0.1:8080"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[LyingIssuer]:
    async with serve_issuer() as served:
        yield served


def settings(issuer: LyingIssuer, **changes: Any) -> SignInSettings:
    given = {
        "public_url": PUBLIC,
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
        "oidc_role_map": read_role_map("ops=admin,marketing=operator,all=viewer"),
        **changes,
    }
    return SignInSettings(**given)


class Browser:
    """A browser that signs in, as far as its cookies go."""

    def __init__(self, api: Api, issuer: LyingIssuer) -> None:
        self.client, self.issuer = api.client, issuer

    async def begin(self, **query: str) -> URL:
        reply = await self.client.get("/sign-in", params=query, allow_redirects=False)
        assert reply.status == 303
        return URL(reply.headers["Location"])

    async def come_back(self, query: dict[str, str]) -> str:
        reply = await self.client.get("/sign-in/callback", params=query, allow_redirects=False)
        assert reply.status == 303
        return reply.headers["Location"]

    async def sign_in(self, **query: str) -> str:
        return await self.come_back(self.issuer.authorize(await self.begin(**query)))

    async def status(self, path: str = "/api/v1/token", method: str = "GET", **headers: str) -> int:
        reply = await self.client.request(method, path, headers=headers)
        return reply.status


@pytest_asyncio.fixture
async def browser(make_api: MakeApi, issuer: LyingIssuer) -> Browser:
    authenticator = Authenticator(required=True, admin_token="admin-token")
    api = await make_api(sign_in=make_sign_in(settings(issuer)), authenticator=authenticator)
    return Browser(api, issuer)


def reason(location: str) -> dict[str, str]:
    assert location.startswith(f"{PUBLIC}/#/sign-in?"), location
    return {name: values[0] for name, values in parse_qs(location.partition("?")[2]).items()}


async def test_a_person_signs_in_is_named_and_signs_out(browser: Browser, pool: asyncpg.Pool) -> None:
    assert await browser.status() == 401
    assert await browser.sign_in(return_to="#/mailings/12") == f"{PUBLIC}/#/mailings/12"
    reply = await browser.client.get("/api/v1/token")
    assert await reply.json() == {"name": "oidc:anna@example.org", "role": "admin"}
    reply = await browser.client.post("/sign-out", headers=SAME)
    assert URL((await reply.json())["end_session"]).path == "/end"
    assert await browser.status() == 401
    kinds = [row["kind"] for row in await pool.fetch("SELECT kind FROM events ORDER BY id")]
    assert kinds == ["signed_in", "signed_out"]


async def test_the_cookie_is_hidden_from_scripts_and_only_its_hash_is_stored(
    browser: Browser, pool: asyncpg.Pool
) -> None:
    location = await browser.begin()
    reply = await browser.client.get(
        "/sign-in/callback", params=browser.issuer.authorize(location), allow_redirects=False
    )
    cookie = reply.cookies["herald-session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    stored = str([dict(row) for row in await pool.fetch("SELECT * FROM sessions")])
    assert cookie.value not in stored


async def test_the_request_of_the_issuer_has_a_challenge_and_a_nonce_of_its_own(browser: Browser) -> None:
    first, second = await browser.begin(), await browser.begin()
    assert first.query["code_challenge_method"] == "S256"
    assert first.query["redirect_uri"] == f"{PUBLIC}/sign-in/callback"
    for name in ("state", "nonce", "code_challenge"):
        assert first.query[name] != second.query[name]


LATER, EARLIER = 10**10, 10**9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nonce", "another"),
        ("nonce", None),
        ("aud", "another"),
        ("aud", ["herald", "another"]),
        ("aud", None),
        ("aud", {"herald": True}),
        ("azp", "another"),
        ("azp", None),
        ("iss", "https://another.example"),
        ("exp", EARLIER),
        ("exp", None),
        ("exp", float("nan")),
        ("exp", True),
        ("iat", LATER),
        ("iat", float("nan")),
        ("nbf", LATER),
        ("nbf", "later"),
        ("sub", ""),
        ("sub", 7),
        ("sub", "a\0b"),
        ("sub", "\ud800"),
        ("sub", "x" * 256),
    ],
)
async def test_a_token_with_a_wrong_claim_signs_nobody_in(browser: Browser, name: str, value: object) -> None:
    browser.issuer.change = lambda claims: claims.update({name: value})
    assert reason(await browser.sign_in()) == {"reason": "token"}
    assert await browser.status() == 401


async def test_a_token_for_several_clients_must_name_this_one(browser: Browser) -> None:
    browser.issuer.change = lambda claims: claims.update(aud=[CLIENT, "another"], azp=CLIENT)
    await browser.sign_in()
    assert await browser.status() == 200


@pytest.mark.parametrize("email", ["a\0b", "\ud800", "", 7, "boris@example.org"])
async def test_an_address_that_is_none_or_not_verified_is_not_a_name(browser: Browser, email: object) -> None:
    browser.issuer.change = lambda claims: claims.update(email=email, email_verified=email != "boris@example.org")
    await browser.sign_in()
    reply = await browser.client.get("/api/v1/token")
    assert (await reply.json())["name"] == "oidc:7"


def without_signature(claims: Claims) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def nested_header() -> str:
    return base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=") + ".e30.e30"


async def test_a_token_without_a_signature_or_with_a_wrong_one_signs_nobody_in(browser: Browser) -> None:
    browser.issuer.sign = without_signature
    assert reason(await browser.sign_in()) == {"reason": "token"}
    foreign = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    browser.issuer.sign = lambda claims: browser.issuer.signed(claims, foreign)
    assert reason(await browser.sign_in()) == {"reason": "token"}
    for nonsense in ("nonsense", "a.b.c", nested_header(), "\xe9.\xe9.\xe9"):
        browser.issuer.sign = lambda _, text=nonsense: text
        assert reason(await browser.sign_in()) == {"reason": "token"}


async def test_a_key_that_is_new_is_fetched_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.sign_in.issuer.LEAST_KEYS_SECONDS", 0.0)
    await browser.sign_in()
    browser.issuer.keys = [RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})]
    await browser.sign_in()
    await browser.sign_in()
    assert await browser.status() == 200
    assert browser.issuer.key_requests == 2


@pytest.mark.parametrize(
    "foreign", [{"kty": "EC", "crv": "tomorrow", "x": "", "y": ""}, {"kty": "ML-DSA"}, {"kty": "RSA"}, "no key", None]
)
async def test_a_key_that_cannot_be_read_hides_no_other(browser: Browser, foreign: object) -> None:
    browser.issuer.more_keys = [foreign]
    await browser.sign_in()
    assert await browser.status() == 200


@pytest.mark.parametrize("key_set", [{"keys": []}, {"keys": 7}, {}, [], "keys"])
async def test_an_issuer_without_keys_counts_as_away(browser: Browser, key_set: object) -> None:
    browser.issuer.key_set = key_set
    assert reason(await browser.sign_in()) == {"reason": "issuer-away"}


async def test_a_clock_that_is_a_little_wrong_does_no_harm(browser: Browser) -> None:
    browser.issuer.change = lambda claims: claims.update(iat=int(time.time()) + 30, exp=int(time.time()) - 30)
    await browser.sign_in()
    assert await browser.status() == 200


async def test_a_state_works_once_and_in_its_own_browser(browser: Browser) -> None:
    back = browser.issuer.authorize(await browser.begin())
    assert await browser.come_back(back) == f"{PUBLIC}/"
    assert reason(await browser.come_back(back)) == {"reason": "stale"}
    back = browser.issuer.authorize(await browser.begin())
    browser.client.session.cookie_jar.clear()
    assert reason(await browser.come_back(back)) == {"reason": "stale"}
    assert reason(await browser.come_back({"code": "x", "state": "made up"})) == {"reason": "stale"}


async def test_two_tabs_sign_in_side_by_side(browser: Browser) -> None:
    first, second = await browser.begin(return_to="#/clients"), await browser.begin(return_to="#/mailings")
    assert await browser.come_back(browser.issuer.authorize(first)) == f"{PUBLIC}/#/clients"
    assert await browser.come_back(browser.issuer.authorize(second)) == f"{PUBLIC}/#/mailings"
    assert await browser.status() == 200


async def test_sign_ins_that_nobody_finishes_leave_few_cookies(browser: Browser) -> None:
    for _ in range(3 * MOST_BEGUN):
        await browser.begin()
    assert len(list(browser.client.session.cookie_jar)) <= MOST_BEGUN
    await browser.sign_in()
    assert await browser.status() == 200


async def test_a_new_session_ends_the_one_whose_cookie_it_replaces(browser: Browser, pool: asyncpg.Pool) -> None:
    await browser.sign_in()
    await browser.sign_in()
    assert await pool.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == 1
    assert await browser.status() == 200


@pytest.mark.parametrize("planted", ["planted", "x" * 43])
async def test_a_session_that_somebody_else_chose_is_never_begun(browser: Browser, planted: str) -> None:
    browser.client.session.cookie_jar.update_cookies({"herald-session": planted})
    location = await browser.begin()
    reply = await browser.client.get(
        "/sign-in/callback", params=browser.issuer.authorize(location), allow_redirects=False
    )
    assert reply.cookies["herald-session"].value != planted
    assert await browser.status() == 200


@pytest.mark.parametrize("query", ["", "state=", "state=%ED%A0%80&code=%00", "state=a&state=b&error=%ED%A0%80"])
async def test_a_call_back_that_nobody_began_is_told_as_such(browser: Browser, query: str) -> None:
    reply = await browser.client.get(URL(f"/sign-in/callback?{query}", encoded=True), allow_redirects=False)
    assert reason(reply.headers["Location"]) == {"reason": "stale"}


@pytest.mark.parametrize(("headers", "status"), [({"Sec-Fetch-Site": "cross-site"}, 403), ({}, 403), (SAME, 200)])
async def test_no_other_site_signs_anybody_out(browser: Browser, headers: dict[str, str], status: int) -> None:
    await browser.sign_in()
    assert await browser.status("/sign-out", "POST", **headers) == status
    assert await browser.status("/sign-out", "GET") == 405
    assert await browser.status() == (401 if status == 200 else 200)


async def test_a_code_works_once(browser: Browser) -> None:
    back = browser.issuer.authorize(await browser.begin())
    browser.issuer.codes.clear()
    assert reason(await browser.come_back(back)) == {"reason": "refused"}


async def test_a_person_who_is_refused_by_the_issuer_is_told_so(browser: Browser) -> None:
    location = await browser.begin()
    told = await browser.come_back({"error": "access_denied", "state": location.query["state"]})
    assert reason(told) == {"reason": "refused"}


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"groups": ["strangers"]}, {"claim": "groups", "seen": "strangers"}),
        ({"groups": None}, {"claim": "groups", "seen": ""}),
        ({"groups": ["\ud800\0&=#"]}, {"claim": "groups", "seen": "?\0&=#"}),
        ({}, {"claim": "groups"}),
    ],
)
async def test_a_person_without_a_role_is_told_which_claim_was_seen(
    browser: Browser, claims: Claims, told: dict[str, str]
) -> None:
    browser.issuer.claims = {"sub": "7", **claims}
    found = reason(await browser.sign_in())
    assert found == {"reason": "no-role", **{name: value for name, value in told.items() if value}}
    assert await browser.status() == 401


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "#//evil.example/%0d",
        "/\\evil",
        "#/x\r\nSet-Cookie: a=b",
        "\\\\evil.example",
        "%2f%2fevil.example",
        "#/../../@evil.example",
        "@evil.example",
        ".evil.example",
        "javascript:alert(1)",
        "#/\ud800",
        "\0#/x",
    ],
)
async def test_no_return_path_leads_anywhere_else(browser: Browser, path: str) -> None:
    location = URL(await browser.sign_in(return_to=path))
    assert location.origin() == URL(PUBLIC)
    assert location.path == "/"


async def test_while_the_issuer_is_away_tokens_work_and_the_page_says_why(browser: Browser) -> None:
    browser.issuer.away = True
    reply = await browser.client.get("/sign-in", allow_redirects=False)
    assert reason(reply.headers["Location"]) == {"reason": "issuer-away"}
    assert await browser.status(Authorization="Bearer admin-token") == 200


async def test_metadata_that_come_in_pieces_are_read_whole(browser: Browser) -> None:
    browser.issuer.pause = 0.05
    await browser.sign_in()
    assert await browser.status() == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://id.example.org/authorize"},
        {"authorization_endpoint": "http://[nonsense"},
        {"authorization_endpoint": 7},
        {"token_endpoint": "/token"},
        {"jwks_uri": None},
        {"end_session_endpoint": "javascript:alert(1)"},
        {"more": "x" * 1_100_000},
    ],
)
async def test_metadata_that_lie_are_not_believed(browser: Browser, changes: dict[str, object]) -> None:
    browser.issuer.metadata_changes = changes
    reply = await browser.client.get("/sign-in", allow_redirects=False)
    assert reason(reply.headers["Location"]) == {"reason": "issuer-away"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Origin": PUBLIC}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_change_with_a_cookie_must_come_from_a_page_of_this_origin(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    await browser.sign_in()
    assert await browser.status("/api/v1/mailings/1/cancel", "POST", **headers) == status


async def test_a_session_ends_when_it_is_idle_old_or_revoked(browser: Browser, pool: asyncpg.Pool) -> None:
    for change in ("seen_at = now() - interval '31 min'", "expires_at = now() - interval '1 s'"):
        await browser.sign_in()
        assert await browser.status() == 200
        await pool.execute(f"UPDATE sessions SET {change}")
        assert await browser.status() == 401
    await browser.sign_in()
    admin = {"Authorization": "Bearer admin-token"}
    reply = await browser.client.get("/api/v1/sessions", headers=admin)
    [session] = (await reply.json())["items"]
    assert (session["name"], session["role"]) == ("oidc:anna@example.org", "admin")
    assert await browser.status(f"/api/v1/sessions/{session['id']}", "DELETE", **admin) == 204
    assert await browser.status(f"/api/v1/sessions/{session['id']}", "DELETE", **admin) == 404
    assert await browser.status() == 401
    reply = await browser.client.get("/api/v1/events?kind=session_revoked", headers=admin)
    [event] = (await reply.json())["items"]
    assert (event["by"], event["detail"]["whose"]) == ("env:admin", "oidc:anna@example.org")


async def test_without_an_issuer_there_is_no_sign_in(make_api: MakeApi) -> None:
    api = await make_api(authenticator=Authenticator(required=True, admin_token="admin-token"))
    assert (await api.client.get("/sign-in")).status == 404
    assert await (await api.client.get("/sign-in/options")).json() == {"oidc": False, "auto": False}
