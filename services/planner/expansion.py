"""Freezes a mailing's audience: creates one message for each matching client, in chunks by client id."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from services.planner.store import expansion as store
from services.planner.store import lifecycle
from shared import logs
from shared.database import Pool

# A chunk locks the mailing's row FOR SHARE: an operator who edits or cancels waits for one chunk at most.
CLIENTS_PER_CHUNK = 2000
# Chunks in which few clients match are cheap, so a leased mailing gets several of them, for this long.
LEASED_SECONDS = 0.1

log = logs.get()


@dataclass(frozen=True, slots=True)
class ExpandedChunk:
    """The number of messages that a chunk added, and whether this planner has nothing left to expand."""

    added: int
    over: bool


async def expand_leased(pool: Pool, owner: UUID, mailing_id: int) -> int:
    """Expands chunk by chunk for a tenth of a second, or until as many messages are added as one full chunk has.

    Returns how many were added.
    """
    loop, added = asyncio.get_running_loop(), 0
    until = loop.time() + LEASED_SECONDS
    while added < CLIENTS_PER_CHUNK and loop.time() < until:
        chunk = await expand_chunk(pool, owner, mailing_id)
        added += chunk.added
        if chunk.over:
            break
    return added


async def expand_chunk(pool: Pool, owner: UUID, mailing_id: int, size: int = CLIENTS_PER_CHUNK) -> ExpandedChunk:
    """Expands one chunk in one transaction: messages, cursor and counters."""
    async with pool.acquire() as connection, connection.transaction():
        audience = await store.lock_audience(connection, owner, mailing_id)
        if audience is None:
            return ExpandedChunk(0, over=True)
        added = await store.add_messages(connection, mailing_id, audience, size)
        done = added.upto is None or added.upto >= audience.upper_client_id
        cursor = audience.upper_client_id if added.upto is None else added.upto
        await store.move_cursor(connection, mailing_id, cursor=cursor, done=done, added=added.messages)
        if done:
            await lifecycle.record_expanded(connection, mailing_id)
    if added.messages:
        span = {"first_message_id": added.first_id, "last_message_id": added.last_id}
        log.info("messages created", mailing_id=mailing_id, messages=added.messages, **span, up_to_client_id=cursor)
    if done:
        log.info("audience frozen", mailing_id=mailing_id)
    return ExpandedChunk(added.messages, done)
