"""Settles what will never be sent: after the end, after a cancel, after a client's deletion."""

from collections.abc import Awaitable, Callable, Sequence

from services.planner.closing import CLIENT_DELETED, DEADLINE, MAILING_CANCELLED, Cause, Known, Verdict, judge
from services.planner.meters import Meters
from services.planner.store import lives, settling
from services.planner.store.settling import Closing
from shared import logs
from shared.database import Connection, Pool, collide_again

CHUNK = 5000

Lock = Callable[[Connection, int, int, int], Awaitable[list[int]]]

log = logs.get()


class Settler:
    """Settles chunk by chunk, until only messages are left whose claims must be waited for."""

    def __init__(self, pool: Pool, meters: Meters) -> None:
        self._pool, self._meters = pool, meters
        # Mailings of which every message was looked at once: what is left of them has a flight.
        self._swept: set[int] = set()

    async def close_mailings(self) -> bool:
        """Begin and carry on closing. Returns whether a mailing waits for a fence to be closed."""
        for mailing_id in await lives.begin_closing(self._pool):
            log.info("mailing closing", mailing_id=mailing_id)
        closings = await settling.list_closing(self._pool)
        self._swept &= {closing.mailing_id for closing in closings}
        for closing in closings:
            await self._close(closing)
        return bool(closings)

    async def close_clients(self) -> None:
        """Settle the unsent messages of deleted clients as cancelled."""
        client_ids = await settling.list_deleted_clients(self._pool)
        cause = Cause("cancelled", CLIENT_DELETED)
        for client_id in client_ids:
            moved = await self._settle_all(settling.lock_of_client, client_id, cause)
            if moved:
                log.info("client's messages cancelled", client_id=client_id, messages=moved)
        if client_ids:
            await settling.mark_clients_settled(self._pool, client_ids)

    async def _close(self, closing: Closing) -> None:
        cause = (
            Cause("cancelled", MAILING_CANCELLED)
            if closing.cancelled
            else Cause("expired", DEADLINE, closing.claims_due)
        )
        swept = closing.mailing_id in self._swept
        lock = settling.lock_in_flight if swept else settling.lock_of_mailing
        moved = await self._settle_all(lock, closing.mailing_id, cause)
        if closing.expansion_over:
            self._swept.add(closing.mailing_id)
        if moved:
            log.info("messages settled", mailing_id=closing.mailing_id, status=cause.status, messages=moved)

    async def _settle_all(self, lock: Lock, key: int, cause: Cause) -> int:
        above, total = 0, 0
        while True:
            last, moved = await self._settle_chunk(lock, key, above, cause)
            total += moved
            self._meters.messages[cause.status].inc(moved)
            if last is None:
                return total
            above = last

    async def _settle_chunk(self, lock: Lock, key: int, above: int, cause: Cause) -> tuple[int | None, int]:
        async def once() -> tuple[int | None, int]:
            async with self._pool.acquire() as connection, connection.transaction():
                message_ids = await lock(connection, key, above, CHUNK)
                if not message_ids:
                    return None, 0
                known = await _look(connection, message_ids, key, cause)
                moved = await _apply(connection, judge(message_ids, known, cause), cause)
                return message_ids[-1], moved

        return await collide_again(once)


async def _look(connection: Connection, message_ids: Sequence[int], key: int, cause: Cause) -> Known:
    """Lock the flights of a chunk. Only at a mailing's end does it matter whose window was never open."""
    held, in_flight = await settling.lock_flights(connection, message_ids)
    unreleased = [message_id for message_id in message_ids if message_id not in in_flight]
    if cause.reason != DEADLINE or not unreleased:
        return Known(held, in_flight)
    return Known(held, in_flight, frozenset(await settling.list_unreachable(connection, key, unreleased)))


async def _apply(connection: Connection, verdicts: Sequence[Verdict], cause: Cause) -> int:
    if not verdicts:
        return 0
    lost = [(verdict.message_id, number) for verdict in verdicts for number in verdict.lost]
    if lost:
        await settling.record_lost(connection, lost)
    return await settling.settle(
        connection,
        [verdict.message_id for verdict in verdicts],
        cause.status,
        [verdict.reason for verdict in verdicts],
        [verdict.attempts for verdict in verdicts],
    )
