"""An OpenID provider of the tests' own, which can lie in every way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey
from yarl import URL

Claims = dict[str, Any]
CLIENT, SECRET = "herald", "s/e:c r+e"


class LyingIssuer:
    """The issuer. `change` edits the claims of tokens, `sign` replaces their signature, `away` is an outage."""

    def __init__(self) -> None:
        self.url = ""
        self.keys = [RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})]
        self.change: Callable[[Claims], None] = lambda claims: None
        self.sign: Callable[[Claims], str] | None = None
        self.claims: Claims = {"sub": "7", "email": "anna@example.org", "groups": ["ops", "other"]}
        self.metadata_changes: dict[str, Any] = {}
        self.away = False
        self.codes: dict[str, dict[str, str]] = {}
        self.key_requests = 0
        # What is published beside the keys, and instead of all of them.
        self.more_keys: list[object] = []
        self.key_set: object = None
        # How long the metadata take between their first half and their second, in seconds.
        self.pause = 0.0

    def authorize(self, location: URL) -> dict[str, str]:
        """Does what a browser and a person do there: returns the query with which the browser comes back."""
        asked = {name: values[0] for name, values in parse_qs(location.query_string).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def metadata(self, request: web.Request) -> web.StreamResponse:
        if self.away:
            return web.Response(status=503)
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            **self.metadata_changes,
        }
        answer, body = web.StreamResponse(headers={"Content-Type": "application/json"}), json.dumps(found).encode()
        await answer.prepare(request)
        await answer.write(body[:100])
        await asyncio.sleep(self.pause)
        await answer.write(body[100:])
        return answer

    async def jwks(self, _: web.Request) -> web.Response:
        self.key_requests += 1
        found = KeySet([*self.keys]).as_dict(private=False)["keys"]
        return web.json_response({"keys": [*self.more_keys, *found]} if self.key_set is None else self.key_set)

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        if asked is None or form.get("code_verifier") is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"], **self.claims}
        self.change(claims)
        token = self.sign(claims) if self.sign else self.signed(claims)
        return web.json_response({"id_token": token, "access_token": "x", "token_type": "Bearer"})

    def signed(self, claims: Claims, key: RSAKey | None = None) -> str:
        key = key or self.keys[-1]
        # Every letter as an escape, so that a claim may hold half of a character.
        return jws.serialize_compact({"alg": "RS256", "kid": key.kid}, json.dumps(claims), key, ["RS256"])


@asynccontextmanager
async def serve_issuer() -> AsyncIterator[LyingIssuer]:
    """Serves an issuer while the block runs."""
    issuer = LyingIssuer()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.metadata)
    app.router.add_get("/keys", issuer.jwks)
    app.router.add_post("/token", issuer.token)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("")).rstrip("/")
        yield issuer
