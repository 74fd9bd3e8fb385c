"""The OpenID provider: its metadata and keys, and the exchange of a code for an ID token."""

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
    """The endpoints of an issuer, and the algorithms with which it signs."""

    authorization: str
    token: str
    keys: str
    end_session: str | None
    algorithms: tuple[str, ...]
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
            try:
                self._keys, self._keys_at = jwk.KeySet.import_key_set(usable_keys(found)), self._clock()
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise IssuerAway("its keys cannot be read") from error
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
                raw = await reply.content.read(LARGEST_ANSWER)
                body = await _json(reply, raw)
                return reply.status, body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise IssuerAway(f"{URL(url).host} does not answer: {type(error).__name__}") from error


async def _json(reply: aiohttp.ClientResponse, raw: bytes) -> Mapping[str, Any]:
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
    endpoints = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str):
            raise IssuerAway(f"its metadata lack {name}")
        endpoints[name] = found[name]
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    end = found.get("end_session_endpoint")
    return Metadata(
        authorization=endpoints["authorization_endpoint"],
        token=endpoints["token_endpoint"],
        keys=endpoints["jwks_uri"],
        end_session=end if isinstance(end, str) else None,
        algorithms=tuple(found.get("id_token_signing_alg_values_supported") or ["RS256"]),
        basic="client_secret_basic" in methods,
    )


def usable_keys(found: Mapping[str, Any]) -> Any:
    """Returns the key set without keys for encryption, and without symmetric ones, which nobody publishes."""
    keys = [key for key in found["keys"] if key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC", "OKP")]
    return {"keys": keys}
