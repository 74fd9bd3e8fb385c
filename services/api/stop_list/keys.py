"""The keyed hashes that the stop list knows phones by. Pure."""

import hashlib
import hmac
from collections.abc import Sequence

# A shorter key could be guessed, and with it every phone of the list.
LEAST_KEY = 16


class StopListKey:
    """The key under which phones are hashed, from HERALD_STOP_LIST_KEY.

    There are only ten billion phones: whoever has the list and the key can read it, and nobody else.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @property
    def check(self) -> bytes:
        """Eight bytes that tell this key from others, and do not give it away."""
        return hmac.digest(self._key, b"herald stop list", hashlib.sha256)[:8]

    def hash(self, phone: str) -> bytes:
        return hmac.digest(self._key, phone.encode(), "sha256")

    def hashes(self, phones: Sequence[str]) -> list[bytes]:
        key, digest = self._key, hmac.digest
        return [digest(key, phone.encode(), "sha256") for phone in phones]
