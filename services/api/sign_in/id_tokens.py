"""Verifies ID tokens: signature, issuer, audience, nonce and times."""

import hmac
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, extract_compact

from services.api.sign_in.issuer import Issuer

# The most that OpenID Connect allows a subject, in characters.
LONGEST_SUBJECT = 255
# What clocks of issuer and Herald may differ by.
LEEWAY_SECONDS = 60
# Never "none", and never HS256, whose key every client would have to share.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class TokenRefused(Exception):
    """An ID token does not prove who signs in. The text says which check it failed, and quotes nothing of it."""


async def verify(issuer: Issuer, token: str, nonce: str, now: Callable[[], float] = time.time) -> Mapping[str, Any]:
    """Returns the claims of an ID token. Raises TokenRefused, and IssuerAway where its keys cannot be had."""
    try:
        header = extract_compact(token.encode()).headers()
    # A header that is nested too deeply ends in a RecursionError.
    except (JoseError, ValueError, RecursionError) as error:
        raise TokenRefused("it is not a signed token") from error
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise TokenRefused("its algorithm is not allowed")
    keys = await issuer.keys(header.get("kid"))
    try:
        claims = jwt.decode(token, keys, registry=JWSRegistry(algorithms=[algorithm])).claims
    except (JoseError, ValueError, RecursionError) as error:
        raise TokenRefused("its signature does not fit the issuer's keys") from error
    check_claims(claims, issuer.url, issuer.client_id, nonce, now())
    return claims


def check_claims(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> None:
    """Checks the claims of a verified token. Raises TokenRefused."""
    if str(claims.get("iss", "")).rstrip("/") != issuer:
        raise TokenRefused("it is of another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if client_id not in audiences:
        raise TokenRefused("it is for another client")
    if claims.get("azp", client_id if len(audiences) == 1 else None) != client_id:
        raise TokenRefused("it was issued to another client")
    expires, issued = claims.get("exp"), claims.get("iat")
    if not _is_moment(expires) or expires <= now - LEEWAY_SECONDS:
        raise TokenRefused("it has expired")
    if not _is_moment(issued) or issued > now + LEEWAY_SECONDS:
        raise TokenRefused("it is from the future: the clocks of the issuer and of Herald differ")
    before = claims.get("nbf", 0)
    if not _is_moment(before) or before > now + LEEWAY_SECONDS:
        raise TokenRefused("it is not valid yet: the clocks of the issuer and of Herald differ")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise TokenRefused("its nonce is not of this sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused("it names nobody")


def _is_moment(value: object) -> TypeGuard[float]:
    # JSON of tokens may hold NaN, which is neither before nor after anything, and true, which Python counts with.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
