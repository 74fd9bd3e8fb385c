"""The parts of the sign-in, as the application holds them, and how a session's cookie becomes an identity."""

from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from services.api.access.identity import Identity
from services.api.access.origin import refuse_cross_site
from services.api.sign_in import store
from services.api.sign_in.issuer import Issuer
from services.api.sign_in.roles import RoleMap
from services.api.sign_in.secrets import SESSION, Cookies, hash_secret
from services.api.sign_in.settings import SignInSettings
from services.api.web.context import pool_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class SignIn:
    """The issuer, and what this Herald asks of it. `public_url` is where browsers reach the console."""

    issuer: Issuer
    public_url: str
    scopes: str
    role_claim: str
    role_map: RoleMap
    auto: bool
    cookies: Cookies

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}/sign-in/callback"

    @property
    def own_origin(self) -> str:
        return str(URL(self.public_url).origin())


SIGN_IN = web.AppKey("sign_in", SignIn)


def make_sign_in(settings: SignInSettings) -> SignIn | None:
    """Makes the sign-in of the settings; None without an issuer. Nothing is sent before somebody signs in."""
    if not settings.oidc_issuer:
        return None
    return SignIn(
        Issuer(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret.get_secret_value()),
        settings.public_url,
        settings.oidc_scopes,
        settings.oidc_role_claim,
        settings.oidc_role_map,
        settings.oidc_auto,
        Cookies(secure=settings.public_url.startswith("https://")),
    )


async def identify_session(request: web.Request) -> Identity | None:
    """Returns whose session the request's cookie is; None without one, or for one that is over.

    Raises a 403 problem where a page of another origin made the browser send it with a change.
    """
    sign_in = request.app.get(SIGN_IN)
    secret = None if sign_in is None else sign_in.cookies.read(request, SESSION)
    if sign_in is None or secret is None:
        return None
    if request.method not in SAFE_METHODS:
        refuse_cross_site(request, {sign_in.own_origin})
    return await store.find_session(pool_of(request), hash_secret(secret))
