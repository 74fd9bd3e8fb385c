"""Page cursors: opaque to callers; inside, the key of the last item and the list that it belongs to."""

import base64
import binascii
import re

MAX_ID = 2**63 - 1
_CURSOR = re.compile(r"([a-z]+)((?::[0-9]{1,19})+)", re.ASCII)


class BadCursor(ValueError):
    """The cursor does not belong to this list."""


def encode(kind: str, *key: int) -> str:
    plain = ":".join((kind, *map(str, key)))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def decode(kind: str, cursor: str) -> int:
    """Returns the id in a cursor. Raises BadCursor for anything that `encode` did not make for `kind`."""
    (last_id,) = decode_key(kind, cursor, 1)
    return last_id


def decode_key(kind: str, cursor: str, length: int) -> tuple[int, ...]:
    """Returns the key of `length` numbers in a cursor. Raises BadCursor as `decode` does."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise BadCursor from error
    found = _CURSOR.fullmatch(plain)
    if found is None or found[1] != kind:
        raise BadCursor
    key = tuple(int(number) for number in found[2].split(":")[1:])
    if len(key) != length or max(key) > MAX_ID or encode(kind, *key) != cursor:
        raise BadCursor
    return key
