"""The JWT of a send: makes and verifies it."""

from datetime import datetime, timedelta

import jwt

ALGORITHM = "HS256"
SCHEME = "bearer "
# Verifying costs more than the rest of a request, so a verified token is trusted for a second.
TRUSTED_FOR = timedelta(seconds=1)
MOST_TRUSTED = 1000


def make_token(secret: str) -> str:
    """Makes the token for a sandbox with this secret. It does not expire, and is always the same."""
    return jwt.encode({"iss": "herald", "sub": "herald"}, secret, algorithm=ALGORITHM)


class TokenVerifier:
    """A verifier of Authorization headers: they must carry a token signed with the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._verified_at: dict[str, datetime] = {}

    def accepts(self, header: str | None, now: datetime) -> bool:
        """Returns whether a request with this Authorization header may pass."""
        if header is None:
            return False
        verified_at = self._verified_at.get(header)
        if verified_at is not None and now - verified_at < TRUSTED_FOR:
            return True
        return self._verify(header, now)

    def _verify(self, header: str, now: datetime) -> bool:
        self._verified_at.pop(header, None)
        if header[: len(SCHEME)].lower() != SCHEME:
            return False
        try:
            jwt.decode(header[len(SCHEME) :].strip(), self._secret, algorithms=[ALGORITHM])
        except (jwt.PyJWTError, ValueError):
            # ValueError: bytes that are no UTF-8 reach the header as surrogates, which PyJWT cannot encode.
            return False
        if len(self._verified_at) >= MOST_TRUSTED:
            self._verified_at.clear()
        self._verified_at[header] = now
        return True
