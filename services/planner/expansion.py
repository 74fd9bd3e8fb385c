"""Freezes a mailing's audience: one message for each matching client, in chunks by client id."""

from uuid import UUID

from services.planner.store import lives, turns
from shared import logs
from shared.database import Pool

# The chunk holds the mailing's row for share: an operator who edits or cancels waits for one chunk at most.
CLIENTS_PER_CHUNK = 2000

log = logs.get()


async def expand(pool: Pool, owner: UUID, mailing_id: int, size: int = CLIENTS_PER_CHUNK) -> int:
    """Expand one chunk in one transaction: messages, cursor and counters. Returns how many were added."""
    async with pool.acquire() as connection, connection.transaction():
        audience = await turns.hold_audience(connection, owner, mailing_id)
        if audience is None:
            return 0
        added, upto = await turns.add_messages(connection, mailing_id, audience, size)
        done = upto is None or upto >= audience.upper_client_id
        cursor = audience.upper_client_id if upto is None else upto
        await turns.move_expansion(connection, mailing_id, cursor=cursor, done=done, added=added)
        if done:
            await lives.note_expanded(connection, mailing_id)
    if done:
        log.info("audience frozen", mailing_id=mailing_id)
    return added
