"""API tokens. Only the SHA-256 of a token is ever stored."""

import hashlib
import secrets


def hash_token(plain: str) -> bytes:
    """Hashes a token for tokens.hash, in 32 bytes. Tokens are random, so they need neither salt nor stretching."""
    return hashlib.sha256(plain.encode(errors="surrogateescape")).digest()


def create_token() -> tuple[str, bytes]:
    """Makes a token with 256 random bits: (plain, hash). The plain one is shown once and never stored."""
    plain = "herald_" + secrets.token_urlsafe(32)
    return plain, hash_token(plain)
