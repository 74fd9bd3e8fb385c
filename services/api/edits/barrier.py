"""Holds the answer of an edit back until no dispatcher can begin a request under the terms before it."""

import asyncio

from aiohttp import web

from services.api.edits import store
from services.api.edits.scope import EditScope
from services.api.web.context import pool_of
from services.api.web.database import DATABASE_AWAY
from services.api.web.problems import unconfirmed
from services.api.web.shares import aside
from shared import logs
from shared.database import Pool, describe
from shared.edits import LEASE

# A dispatcher that has not beaten by then is fenced: it is hinted at once, and beats every second besides.
SILENT_SECONDS = 1.3
# So is one that beats, and has not heard by then: the database is too far away.
DEAF_SECONDS = 4.0
# The lease of a fenced dispatcher has run out before this.
LONGEST_SECONDS = DEAF_SECONDS + LEASE.total_seconds() + 3
FIRST_PAUSE, LONGEST_PAUSE = 0.004, 0.05
# Dispatchers that are well have heard within so long, and a longer pause would be most of what an edit takes.
SOON_SECONDS, LONGEST_PAUSE_SOON = 0.3, 0.008


async def pass_barrier(request: web.Request, scope: EditScope) -> None:
    """Waits until no request to the provider can begin under the terms before an edit. Call it after the commit.

    Takes milliseconds; about 5 s when a dispatcher hangs. An edit that changed nothing passes it, too: the edit of
    another request may still be unheard. Raises a 503 problem if the database is away: the edit stands.
    """
    try:
        async with aside(request), asyncio.timeout(LONGEST_SECONDS):
            await wait_until_heard(pool_of(request), scope)
    except DATABASE_AWAY as error:
        logs.get().error("edit not confirmed", detail=describe(error))
        raise unconfirmed() from None


async def wait_until_heard(pool: Pool, scope: EditScope) -> None:
    """Announces an edit, and returns when every dispatcher has heard of it or has no lease to begin anything."""
    if not await store.has_messages(pool, scope):
        return
    edit = await store.announce(pool, scope)
    # Read once: a dispatcher that joins later, or again, claims under the new terms.
    unaware = await store.list_processes(pool)
    loop = asyncio.get_running_loop()
    begun, pause = loop.time(), FIRST_PAUSE
    while unaware := await store.find_unaware(pool, edit, unaware):
        waited = loop.time() - begun
        if waited > SILENT_SECONDS:
            fenced = await store.fence(pool, edit, unaware, also_beating=waited > DEAF_SECONDS)
            if fenced:
                logs.get().warning("dispatchers fenced", processes=fenced)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SOON if waited < SOON_SECONDS else LONGEST_PAUSE)
