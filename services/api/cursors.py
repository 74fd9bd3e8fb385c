"""Page cursors: opaque to callers, inside the key of the last item, and the list it belongs to."""

import base64
import binascii
import re

MAX_ID = 2**63 - 1
_CURSOR = re.compile(r"([a-z]+):([0-9]{1,19})", re.ASCII)


class BadCursor(ValueError):
    """Not a cursor of this list."""


def encode(kind: str, last_id: int) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{last_id}".encode()).decode().rstrip("=")


def decode(kind: str, cursor: str) -> int:
    """Return the id in a cursor. Raises BadCursor for anything that `encode` did not make for `kind`."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise BadCursor from error
    found = _CURSOR.fullmatch(plain)
    if found is None or found[1] != kind or int(found[2]) > MAX_ID or encode(kind, int(found[2])) != cursor:
        raise BadCursor
    return int(found[2])
