"""The OpenID provider: its metadata and keys, and the exchange of a code for an ID token."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from joserfc import jwk
from joserfc.errors import JoseError
from yarl import URL

from services.api.access.origin import is_loopback_host

ANSWER_SECONDS = 10
METADATA_SECONDS, KEYS_SECONDS = 3600.0, 3600.0
# A token with an unknown key makes the keys be read anew, but no oftener.
LEAST_KEYS_SECONDS = 5.0
LARGEST_ANSWER = 1_000_000


class IssuerAway(Exception):
    """The issuer does not answer, or answers with what cannot be used. The text says which, and holds no secret."""


class CodeRefused(Exception):
    """The issuer refused a code. The text is its reason."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The endpoints of an issuer."""

    authorization: str
    token: str
    keys: str
    end_session: str | None
    # How this client authenticates at the token endpoint.
    basic: bool


class Issuer:
    """An issuer, whose metadata and keys are kept for an hour."""

    def __init__(
        self, url: str, client_id: str, client_secret: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = url
        self.client_id = client_id
        self._secret = client_secret
        self._clock = clock
        self._metadata: Metadata | None = None
        self._metadata_at = 0.0
        self._keys: jwk.KeySet | None = None
        self._keys_at = 0.0

    async def metadata(self) -> Metadata:
        """Returns the metadata. Raises IssuerAway."""
        if self._metadata is None or self._clock() - self._metadata_at > METADATA_SECONDS:
            found = await self._get(f"{self.url}/.well-known/openid-configuration")
            self._metadata, self._metadata_at = read_metadata(found, self.url), self._clock()
        return self._metadata

    async def keys(self, key_id: str | None) -> jwk.KeySet:
        """Returns the keys, read anew where none has this id: an issuer changes its keys. Raises IssuerAway."""
        age = self._clock() - self._keys_at
        known = self._keys is not None and (key_id is None or any(key.kid == key_id for key in self._keys.keys))
        if self._keys is None or age > KEYS_SECONDS or (not known and age > LEAST_KEYS_SECONDS):
            found = await self._get((await self.metadata()).keys)
            self._keys, self._keys_at = read_keys(found), self._clock()
        return self._keys

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Exchanges a code for an ID token. Raises CodeRefused and IssuerAway."""
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.client_id,
        }
        headers = {}
        if self._secret and metadata.basic:
            headers["Authorization"] = aiohttp.encode_basic_auth(_quote(self.client_id), _quote(self._secret))
        elif self._secret:
            form["client_secret"] = self._secret
        status, body = await self._send("POST", metadata.token, data=form, headers=headers)
        if status != 200:
            raise CodeRefused(str(body.get("error", f"HTTP {status}"))[:100])
        token = body.get("id_token")
        if not isinstance(token, str):
            raise IssuerAway("its answer to the code has no ID token")
        return token

    async def _get(self, url: str) -> Mapping[str, Any]:
        status, body = await self._send("GET", url)
        if status != 200:
            raise IssuerAway(f"{URL(url).path} was answered with HTTP {status}")
        return body

    async def _send(self, method: str, url: str, **options: Any) -> tuple[int, Mapping[str, Any]]:
        # People sign in rarely, so no connection is kept.
        timeout, jar = aiohttp.ClientTimeout(total=ANSWER_SECONDS), aiohttp.DummyCookieJar()
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as session,
                session.request(method, url, allow_redirects=False, **options) as reply,
            ):
                return reply.status, await _json(reply)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise IssuerAway(f"{URL(url).host} does not answer: {type(error).__name__}") from error


async def _json(reply: aiohttp.ClientResponse) -> Mapping[str, Any]:
    raw = bytearray()
    async for piece in reply.content.iter_any():
        raw += piece
        if len(raw) > LARGEST_ANSWER:
            raise IssuerAway(f"{reply.url.path} was answered with more than {LARGEST_ANSWER:,} bytes")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        if reply.status != 200:
            return {}
        raise IssuerAway(f"{reply.url.path} was answered with what is no JSON object")
    return body


def _quote(text: str) -> str:
    return quote(text, safe="")


def read_metadata(found: Mapping[str, Any], issuer: str) -> Metadata:
    """Reads the metadata. Raises IssuerAway where they are another issuer's, or lack an endpoint."""
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise IssuerAway("its metadata name another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if found.get(name) is None:
            raise IssuerAway(f"its metadata lack {name}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
        if found.get(name) is not None and not is_safe_url(found[name]):
            raise IssuerAway(f"its metadata have no usable URL as {name}")
    methods = found.get("token_endpoint_auth_methods_supported")
    return Metadata(
        authorization=found["authorization_endpoint"],
        token=found["token_endpoint"],
        keys=found["jwks_uri"],
        end_session=found.get("end_session_endpoint"),
        # What is missing means this one.
        basic="client_secret_basic" in methods if isinstance(methods, list) else True,
    )


def is_safe_url(value: object) -> bool:
    """Returns whether a browser may be sent there, and a secret: over TLS, or to this machine."""
    try:
        url = URL(value if isinstance(value, str) else "")
    except ValueError:
        return False
    host = url.host or ""
    return bool(host) and (url.scheme == "https" or (url.scheme == "http" and is_loopback_host(host)))


def read_keys(found: Mapping[str, Any]) -> jwk.KeySet:
    """Reads the keys that sign. Raises IssuerAway where none can be read.

    Keys for encryption and symmetric ones are left out, and so are those of a kind that this version does not know: an
    issuer that adds a key of tomorrow still signs with those of today.
    """
    given = found.get("keys")
    keys = []
    for key in given if isinstance(given, list) else []:
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC", "OKP"):
            with contextlib.suppress(JoseError, ValueError, KeyError, TypeError):
                keys.append(jwk.import_key(key))
    if not keys:
        raise IssuerAway("its keys cannot be read")
    return jwk.KeySet(keys)
