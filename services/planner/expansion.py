"""Freezes a mailing's audience: one message for each matching client, in chunks by client id."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from services.planner.store import leases, lifecycle
from shared import logs
from shared.database import Pool

# The chunk holds the mailing's row for share: an operator who edits or cancels waits for one chunk at most.
CLIENTS_PER_CHUNK = 2000
# A turn of a mailing that finds few of its clients goes on for so long: its chunks are cheap, and it waits for them.
TURN_SECONDS = 0.1

log = logs.get()


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a chunk came to: messages added, and whether nothing is left to do here."""

    added: int
    over: bool


async def expand_turn(pool: Pool, owner: UUID, mailing_id: int) -> int:
    """Expands chunk by chunk until the turn is over, or as many messages are added as one full chunk has.

    Returns how many were added.
    """
    loop, added = asyncio.get_running_loop(), 0
    until = loop.time() + TURN_SECONDS
    while added < CLIENTS_PER_CHUNK and loop.time() < until:
        chunk = await expand(pool, owner, mailing_id)
        added += chunk.added
        if chunk.over:
            break
    return added


async def expand(pool: Pool, owner: UUID, mailing_id: int, size: int = CLIENTS_PER_CHUNK) -> Expanded:
    """Expands one chunk in one transaction: messages, cursor and counters."""
    async with pool.acquire() as connection, connection.transaction():
        audience = await leases.hold_audience(connection, owner, mailing_id)
        if audience is None:
            return Expanded(0, over=True)
        added = await leases.add_messages(connection, mailing_id, audience, size)
        done = added.upto is None or added.upto >= audience.upper_client_id
        cursor = audience.upper_client_id if added.upto is None else added.upto
        await leases.move_expansion(connection, mailing_id, cursor=cursor, done=done, added=added.messages)
        if done:
            await lifecycle.note_expanded(connection, mailing_id)
    if added.messages:
        span = {"first_message_id": added.first_id, "last_message_id": added.last_id}
        log.info("messages created", mailing_id=mailing_id, messages=added.messages, **span, up_to_client_id=cursor)
    if done:
        log.info("audience frozen", mailing_id=mailing_id)
    return Expanded(added.messages, done)
