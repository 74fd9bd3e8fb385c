"""Reopens messages that an operator asked to send again: unsent or undelivered messages get a new round."""

from collections.abc import Sequence

import asyncpg

from services.planner.set_aside import SetAside, fails_on_data
from services.planner.store import attempts, resends
from services.planner.store.resends import OpenResend, ResendCandidate
from shared import logs
from shared.database import Connection, Pool, retry_on_deadlock

MESSAGES_PER_CHUNK = 2000

log = logs.get()


async def resend_chunk(pool: Pool, size: int = MESSAGES_PER_CHUNK, *, set_aside: SetAside | None = None) -> bool:
    """Reopens one chunk of the oldest resend, in one transaction. Returns whether there was anything to do.

    With `set_aside`, a resend that fails on its data is left alone for a while, and the others go on.
    """
    passing_over = [] if set_aside is None else set_aside.passed_over
    current: list[int] = []

    async def once() -> bool:
        current.clear()
        async with pool.acquire() as connection, connection.transaction():
            resend = await resends.lock_oldest(connection, passing_over)
            if resend is None:
                return False
            current.append(resend.id)
            await _advance(connection, resend, size)
            return True

    try:
        found = await retry_on_deadlock(once)
    except asyncpg.PostgresError as error:
        if set_aside is None or not current or not fails_on_data(error):
            raise
        set_aside.fail(current[0], error)
        return True
    if set_aside is not None:
        set_aside.succeed(current)
    return found


async def _advance(connection: Connection, resend: OpenResend, size: int) -> None:
    if not resend.wanted or not (resend.statuses or resend.message_ids or resend.delivery):
        # The mailing was cancelled or deleted, or has ended: nothing is sent again.
        await resends.finish(connection, resend.id)
    elif resend.delivery is not None:
        candidates = await resends.list_undelivered(connection, resend, size)
        await _reopen(connection, resend, candidates)
        if len(candidates) < size:
            await resends.finish(connection, resend.id)
        else:
            await resends.move_over(connection, resend.id, candidates[-1].message_id)
    elif resend.message_ids is not None:
        await _reopen(connection, resend, await resends.list_by_id(connection, resend))
        await resends.finish(connection, resend.id)
    else:
        candidates = await resends.list_of_status(connection, resend, size)
        await _reopen(connection, resend, candidates)
        if len(candidates) < size:
            await resends.move_on(connection, resend.id, resend.statuses[1:], 0)
        else:
            await resends.move_on(connection, resend.id, resend.statuses, candidates[-1].message_id)


async def _reopen(connection: Connection, resend: OpenResend, candidates: Sequence[ResendCandidate]) -> None:
    """Reopens those messages whose client is not deleted, that have no attempt under way, and that are wanted.

    A message that a receipt proves to be sent may have an attempt that got no result: it is recorded as lost.
    """
    wanted = [one for one in candidates if resend.include_unknown or not one.unknown]
    chosen = [one for one in wanted if one.client_alive and not one.open]
    if not chosen:
        return
    lost = [(one.message_id, one.attempts) for one in chosen if one.lost]
    if lost:
        await attempts.record_lost(connection, lost)
    message_ids = [one.message_id for one in chosen]
    await (resends.reopen if resend.delivery is None else resends.reopen_undelivered)(connection, message_ids)
    for ids in logs.in_lines(message_ids):
        log.info("messages reopened", mailing_id=resend.mailing_id, message_ids=ids, request_id=resend.request_id)
