"""Bounds the requests that stay open, such as uploads, exports and event streams: in all, and for each token."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from services.api.access.identity import IDENTITY
from services.api.access.rate_limit import too_many

RETRY_SECONDS = 10


class Places:
    """A number of places, of which one token may take a part."""

    def __init__(self, *, total: int, per_token: int, what: str) -> None:
        """`what` names in the plural what takes a place, for the refusal."""
        self._total = total
        self._per_token = per_token
        self._what = what
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, request: web.Request) -> Iterator[None]:
        """Holds a place while the block runs. Raises a 429 problem when none is free for this token."""
        name = request[IDENTITY].name
        if self._taken[name] >= self._per_token:
            detail = f"This token has {self._per_token} {self._what} open already. Close one."
            raise too_many("too-many-open", detail, RETRY_SECONDS)
        if self._taken.total() >= self._total:
            raise too_many("too-many-open", f"Too many {self._what} are open. Try again later.", RETRY_SECONDS)
        self._taken[name] += 1
        try:
            yield
        finally:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]


# An export that nobody reads keeps about half a megabyte until its caller is given up.
EXPORTS = web.AppKey("exports", Places)
STREAMS = web.AppKey("streams", Places)
# An upload keeps a batch of rows, and reads the next piece only when that is stored.
UPLOADS = web.AppKey("uploads", Places)


def exports() -> Places:
    return Places(total=32, per_token=4, what="exports")


def uploads() -> Places:
    return Places(total=32, per_token=8, what="uploads")


def streams() -> Places:
    return Places(total=500, per_token=100, what="streams")
