"""Makes and hashes the secrets of a sign-in and a session, and the cookies that carry them."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

# Browsers take a cookie of this prefix only over https, for the whole host, and from the host itself.
SECURE_PREFIX = "__Host-"
SESSION, BROWSER = "herald-session", "herald-sign-in-"
# The most sign-ins that a browser may have begun and not finished, such as one in each of its tabs.
MOST_BEGUN = 8


def make_secret() -> str:
    """Makes a secret of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Hashes a secret for its table. It is random, so it needs neither salt nor stretching."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()


def challenge_of(verifier: str) -> str:
    """Returns the S256 challenge of a PKCE verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def cookie_of(state: str) -> str:
    """Returns the name of the cookie of one sign-in, so that each tab of a browser can have its own."""
    return BROWSER + hash_secret(state).hex()[:16]


@dataclass(frozen=True, slots=True)
class Cookies:
    """The cookies of this Herald: `secure` unless it is reached over http on this machine."""

    secure: bool

    def read(self, request: web.Request, name: str) -> str | None:
        return request.cookies.get(self._name(name))

    def set(self, response: web.StreamResponse, name: str, value: str, life: timedelta) -> None:
        """Sets a cookie that scripts cannot read and that other sites do not send along with changes."""
        response.set_cookie(
            self._name(name),
            value,
            max_age=int(life.total_seconds()),
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="Lax",
        )

    def remove_begun(self, request: web.Request, response: web.StreamResponse) -> None:
        """Removes cookies of sign-ins that nobody has finished, where they have become too many for a request."""
        begun = [name for name in request.cookies if name.startswith(self._name(BROWSER))]
        for name in begun[MOST_BEGUN - 1 :]:
            self.remove(response, name.removeprefix(SECURE_PREFIX))

    def remove(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(self._name(name), path="/", httponly=True, secure=self.secure, samesite="Lax")

    def _name(self, name: str) -> str:
        return f"{SECURE_PREFIX}{name}" if self.secure else name
