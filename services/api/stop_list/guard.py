"""Looks phones up in the stop list where they are written to the directory."""

from collections.abc import Sequence

from aiohttp import web

from services.api.stop_list import store
from services.api.stop_list.keys import StopListKey
from services.api.web.problems import HttpProblem
from shared.database import Connection

# None without HERALD_STOP_LIST_KEY.
KEY: web.AppKey[StopListKey | None] = web.AppKey("stop_list_key")


async def share_stop_list(connection: Connection, key: StopListKey | None, phones: Sequence[str]) -> list[bytes] | None:
    """Keeps the stop list from changing until the transaction ends, and returns the hashes that it knows phones by.

    None while there is no list. Whoever writes phones calls this first: else a client that is added while its phone is
    put on the list would not be found by it. Raises a problem if the list was written under a key that is not set.
    """
    check_key(key, await store.share(connection))
    return None if key is None else key.hashes(phones)


def check_key(key: StopListKey | None, written_under: bytes | None) -> None:
    """Raises a 503 problem if the list was written under another key, or under one that is not set."""
    if written_under is None:
        return
    if key is None:
        raise HttpProblem(
            "stop-list-unreadable", "HERALD_STOP_LIST_KEY is not set, and the stop list cannot be read without it."
        )
    if key.check != written_under:
        raise HttpProblem(
            "stop-list-unreadable", "HERALD_STOP_LIST_KEY is not the key under which the stop list was written."
        )


def key_of(request: web.Request) -> StopListKey:
    """Returns the key of the stop list. Raises a 503 problem without one."""
    key = request.app[KEY]
    if key is None:
        raise HttpProblem("stop-list-unreadable", "HERALD_STOP_LIST_KEY is not set: the stop list needs it.")
    return key
