"""Idempotency-Key: carries a repeated request out once, and repeats its first answer."""

import hashlib
import re
from dataclasses import dataclass

import orjson

from services.api.mailings.idempotency import store
from services.api.mailings.idempotency.store import StoredAnswer
from services.api.mailings.schemas import MailingNew
from services.api.web.problems import InvalidValue, conflict, invalid
from shared.database import Connection

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key, and the hash of the body it came with."""

    owner: str
    key: str
    body_hash: bytes

    @property
    def lock(self) -> int:
        """Returns the number of its advisory lock: 64 signed bits, so that two keys practically never share one."""
        digest = hashlib.sha256(f"{self.owner}\0{self.key}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def key_of(header: str | None, owner: str, body: MailingNew) -> IdempotencyKey | None:
    """Reads the header. Raises a 422 problem unless it is 1 to 255 printable ASCII characters.

    The hash covers the parsed values, so that spacing, the order of fields and the offset of a date-time do not matter.
    """
    if header is None:
        return None
    if _KEY.fullmatch(header) is None:
        raise invalid(InvalidValue(("header", HEADER), "must be 1 to 255 printable ASCII characters"))
    canonical = orjson.dumps(body.model_dump(), option=orjson.OPT_SORT_KEYS)
    return IdempotencyKey(owner, header, hashlib.sha256(canonical).digest())


async def earlier(connection: Connection, key: IdempotencyKey) -> StoredAnswer | None:
    """Finds the first answer under this key, and locks the key until the transaction ends.

    Raises problems: 409 while another request with the key is running, 422 when the key came with a different body.
    """
    if not await store.try_lock(connection, key.lock):
        detail = "Another request with this Idempotency-Key is still running."
        raise conflict(detail, code="idempotency-key-busy", retry_after=1)
    kept = await store.find(connection, key.owner, key.key)
    if kept is not None and kept.body_hash != key.body_hash:
        raise invalid(InvalidValue(("header", HEADER), "was used with a different body"))
    return kept


async def keep(connection: Connection, key: IdempotencyKey, mailing_id: int, answer: str) -> None:
    await store.keep(connection, key.owner, key.key, StoredAnswer(key.body_hash, mailing_id, answer))
    await store.forget_old(connection)
