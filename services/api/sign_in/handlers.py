"""GET /sign-in, GET /sign-in/callback and POST /sign-out: the sign-in of the console by OpenID Connect.

Whatever fails leads back to the console, which says why in its reader's language. What is told stands behind the #,
which browsers send to nobody.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from yarl import URL

from services.api.access.identity import Identity
from services.api.access.origin import refuse_cross_site
from services.api.access.rate_limit import address_of
from services.api.sign_in import events, store
from services.api.sign_in.id_tokens import TokenRefused, verify
from services.api.sign_in.issuer import CodeRefused, IssuerAway
from services.api.sign_in.return_path import safe_return
from services.api.sign_in.roles import find_role
from services.api.sign_in.secrets import SESSION, challenge_of, cookie_of, hash_secret, make_secret
from services.api.sign_in.store import SESSION_LIFE, SIGN_IN_LIFE, PendingSignIn
from services.api.sign_in.wiring import SIGN_IN, SignIn
from services.api.web.context import pool_of
from services.api.web.problems import not_found
from shared import logs

CALLBACK = "/sign-in/callback"
# The most that the console is told of a claim that gives no role.
MOST_SEEN, LONGEST_SEEN = 10, 100

log = logs.get()


class SignInFailed(Exception):
    """A sign-in fails. `reason` is the code that the console translates; `told` goes with it."""

    def __init__(self, reason: str, detail: str, **told: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.told = told


async def options(request: web.Request) -> web.Response:
    """Tells the console how one may sign in here."""
    sign_in = request.app.get(SIGN_IN)
    return web.json_response({"oidc": sign_in is not None, "auto": sign_in is not None and sign_in.auto})


async def begin(request: web.Request) -> web.StreamResponse:
    """Sends the browser to the issuer, with a state, a nonce and a PKCE challenge of this sign-in alone."""
    sign_in = _sign_in(request)
    try:
        metadata = await sign_in.issuer.metadata()
    except IssuerAway as error:
        await events.record_failure(pool_of(request), request, "issuer-away")
        return _fail(sign_in, SignInFailed("issuer-away", str(error)), address_of(request))
    state, browser, nonce, verifier = (make_secret() for _ in range(4))
    pending = PendingSignIn(nonce, verifier, safe_return(request.query.get("return_to")))
    await store.add_sign_in(pool_of(request), hash_secret(state), hash_secret(browser), pending)
    query = {
        "response_type": "code",
        "client_id": sign_in.issuer.client_id,
        "redirect_uri": sign_in.redirect_uri,
        "scope": sign_in.scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    response = _redirect(str(URL(metadata.authorization).update_query(query)))
    sign_in.cookies.remove_begun(request, response)
    sign_in.cookies.set(response, cookie_of(state), browser, SIGN_IN_LIFE)
    return response


async def finish(request: web.Request) -> web.StreamResponse:
    """Checks what the issuer sends the browser back with, and begins a session."""
    sign_in = _sign_in(request)
    try:
        pending = await _take(request, sign_in)
        claims = await _prove(request, sign_in, pending)
        identity = _identify(claims, sign_in)
    except SignInFailed as error:
        await events.record_failure(pool_of(request), request, error.reason)
        return _fail(sign_in, error, address_of(request))
    await _end_previous(request, sign_in)
    secret = make_secret()
    await store.add_session(pool_of(request), hash_secret(secret), claims["sub"], identity)
    await events.record(pool_of(request), request, "signed_in", identity.name, role=identity.role)
    log.info("signed in", by=identity.name, role=identity.role)
    response = _redirect(f"{sign_in.public_url}/{pending.return_to}")
    sign_in.cookies.set(response, SESSION, secret, SESSION_LIFE)
    sign_in.cookies.remove(response, cookie_of(request.query["state"]))
    return response


async def _end_previous(request: web.Request, sign_in: SignIn) -> None:
    """Ends the session whose cookie the new one replaces: nobody could end it by signing out any more."""
    previous = sign_in.cookies.read(request, SESSION)
    if previous is not None:
        await store.end_session(pool_of(request), hash_secret(previous))


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Ends the session, and tells the console where the issuer's own session is ended."""
    sign_in = _sign_in(request)
    refuse_cross_site(request, {sign_in.own_origin})
    secret = sign_in.cookies.read(request, SESSION)
    name = None if secret is None else await store.end_session(pool_of(request), hash_secret(secret))
    if name is not None:
        await events.record(pool_of(request), request, "signed_out", name)
        log.info("signed out", by=name)
    response = web.json_response({"end_session": await _end_session(sign_in)})
    sign_in.cookies.remove(response, SESSION)
    return response


async def _take(request: web.Request, sign_in: SignIn) -> PendingSignIn:
    state = request.query.get("state", "")
    browser = sign_in.cookies.read(request, cookie_of(state)) or ""
    pending = await store.take_sign_in(pool_of(request), hash_secret(state), hash_secret(browser))
    if pending is None:
        raise SignInFailed("stale", "the sign-in was begun elsewhere, finished already, or more than 10 min ago")
    return pending


async def _prove(request: web.Request, sign_in: SignIn, pending: PendingSignIn) -> Mapping[str, Any]:
    """Returns the claims of who signs in. Raises SignInFailed."""
    if "error" in request.query:
        raise SignInFailed("refused", f"the issuer refused: {request.query['error'][:LONGEST_SEEN]}")
    try:
        token = await sign_in.issuer.exchange(request.query.get("code", ""), pending.verifier, sign_in.redirect_uri)
        return await verify(sign_in.issuer, token, pending.nonce)
    except IssuerAway as error:
        raise SignInFailed("issuer-away", str(error)) from error
    except CodeRefused as error:
        raise SignInFailed("refused", f"the issuer refused the code: {error}") from error
    except TokenRefused as error:
        raise SignInFailed("token", f"the ID token is not accepted: {error}") from error


def _identify(claims: Mapping[str, Any], sign_in: SignIn) -> Identity:
    """Returns the name and the role of who signs in. Raises SignInFailed for somebody without a role."""
    found = find_role(claims, sign_in.role_claim, sign_in.role_map)
    if found.role is None:
        seen = None if found.seen is None else ", ".join(_show(one) for one in found.seen[:MOST_SEEN])
        told = {"claim": sign_in.role_claim} | ({} if seen is None else {"seen": seen})
        raise SignInFailed("no-role", f"the claim {sign_in.role_claim} gives no role", **told)
    # An address that the issuer has not verified may be somebody else's.
    email = claims.get("email") if claims.get("email_verified", True) is True else None
    name = email if isinstance(email, str) and email.isprintable() and email else claims["sub"]
    return Identity(name=f"oidc:{name[:200]}", role=found.role)


def _show(value: str) -> str:
    """Returns a value as far as it can stand in an address: tokens may hold halves of characters."""
    return value[:LONGEST_SEEN].encode(errors="replace").decode()


async def _end_session(sign_in: SignIn) -> str | None:
    """Returns the URL at which the browser ends its session with the issuer, if it has one."""
    try:
        metadata = await sign_in.issuer.metadata()
    except IssuerAway:
        return None
    if metadata.end_session is None:
        return None
    query = {"client_id": sign_in.issuer.client_id, "post_logout_redirect_uri": f"{sign_in.public_url}/"}
    return str(URL(metadata.end_session).update_query(query))


def _sign_in(request: web.Request) -> SignIn:
    sign_in = request.app.get(SIGN_IN)
    if sign_in is None:
        raise not_found("sign-in: HERALD_OIDC_ISSUER is not set")
    return sign_in


def _fail(sign_in: SignIn, error: SignInFailed, address: str) -> web.Response:
    log.warning("sign-in failed", reason=error.reason, detail=str(error), address=address)
    query = urlencode({"reason": error.reason, **error.told})
    return _redirect(f"{sign_in.public_url}/#/sign-in?{query}")


def _redirect(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location, "Referrer-Policy": "no-referrer"})
