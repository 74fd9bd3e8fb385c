"""Reopens messages that an operator asked to send again: final, unsent messages get a new round."""

from collections.abc import Sequence

from services.planner.store import attempts, resends
from services.planner.store.resends import OpenResend, ResendCandidate
from shared import logs
from shared.database import Connection, Pool, retry_on_deadlock

MESSAGES_PER_CHUNK = 2000

log = logs.get()


async def resend_chunk(pool: Pool, size: int = MESSAGES_PER_CHUNK) -> bool:
    """Reopens one chunk of the oldest resend, in one transaction. Returns whether there was anything to do."""

    async def once() -> bool:
        async with pool.acquire() as connection, connection.transaction():
            resend = await resends.lock_oldest(connection)
            if resend is None:
                return False
            await _advance(connection, resend, size)
            return True

    return await retry_on_deadlock(once)


async def _advance(connection: Connection, resend: OpenResend, size: int) -> None:
    if not resend.wanted or not (resend.statuses or resend.message_ids):
        # The mailing was cancelled or deleted, or has ended: nothing is sent again.
        await resends.move_on(connection, resend.id, [], 0)
    elif resend.message_ids is not None:
        await _reopen(connection, resend, await resends.list_by_id(connection, resend))
        await resends.move_on(connection, resend.id, [], 0)
    else:
        candidates = await resends.list_of_status(connection, resend, size)
        await _reopen(connection, resend, candidates)
        if len(candidates) < size:
            await resends.move_on(connection, resend.id, resend.statuses[1:], 0)
        else:
            await resends.move_on(connection, resend.id, resend.statuses, candidates[-1].message_id)


async def _reopen(connection: Connection, resend: OpenResend, candidates: Sequence[ResendCandidate]) -> None:
    """Reopens those messages whose client is not deleted and that have no attempt under way."""
    chosen = [one for one in candidates if one.client_alive and not one.open]
    if not chosen:
        return
    lost = [(one.message_id, one.attempts) for one in chosen if one.lost]
    if lost:
        await attempts.record_lost(connection, lost)
    message_ids = [one.message_id for one in chosen]
    await resends.reopen(connection, message_ids)
    for ids in logs.in_lines(message_ids):
        log.info("messages reopened", mailing_id=resend.mailing_id, message_ids=ids, request_id=resend.request_id)
