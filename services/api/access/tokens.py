"""API tokens: who may do what. Only the SHA-256 of a token is ever stored."""

import hashlib
import secrets
from dataclasses import dataclass

from shared.statuses import ROLES, Role


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it was. No token in the table can have a name with a colon."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


BOOTSTRAP = Identity("env:admin", "admin")
ANYBODY = Identity("env:anybody", "admin")


def hash_token(plain: str) -> bytes:
    """Hashes a token for tokens.hash, in 32 bytes. Tokens are random, so they need neither salt nor stretching."""
    return hashlib.sha256(plain.encode(errors="surrogateescape")).digest()


def create_token() -> tuple[str, bytes]:
    """Makes a token with 256 random bits: (plain, hash). The plain one is shown once and never stored."""
    plain = "herald_" + secrets.token_urlsafe(32)
    return plain, hash_token(plain)
