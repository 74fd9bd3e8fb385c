"""Settles what will never be sent: after the end, after a cancel, after a client's deletion."""

from collections.abc import Awaitable, Callable, Sequence

from services.planner.closing import CLIENT_DELETED, DEADLINE, MAILING_CANCELLED, Cause, Known, Verdict, judge
from services.planner.metrics import Meters
from services.planner.store import lifecycle, settling
from services.planner.store.settling import Closing
from shared import logs
from shared.database import Connection, Pool, retry_on_deadlock

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
        """Begins and carry on closing. Returns whether a mailing waits for a fence to be closed."""
        for mailing_id, request_id in await lifecycle.begin_closing(self._pool):
            log.info("mailing closing", mailing_id=mailing_id, request_id=request_id)
        closings = await settling.list_closing(self._pool)
        self._swept &= {closing.mailing_id for closing in closings}
        for closing in closings:
            await self._close(closing)
        return bool(closings)

    async def close_clients(self) -> None:
        """Settles the unsent messages of deleted clients as cancelled."""
        client_ids = await settling.list_deleted_clients(self._pool)
        cause = Cause("cancelled", CLIENT_DELETED)
        for client_id in client_ids:
            await self._settle_all(settling.lock_of_client, client_id, cause)
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
        await self._settle_all(lock, closing.mailing_id, cause)
        if closing.expansion_over:
            self._swept.add(closing.mailing_id)

    async def _settle_all(self, lock: Lock, key: int, cause: Cause) -> None:
        above: int | None = 0
        while above is not None:
            above = await self._settle_chunk(lock, key, above, cause)

    async def _settle_chunk(self, lock: Lock, key: int, above: int, cause: Cause) -> int | None:
        """Settles one chunk, and returns its last message id; None when there was none left."""

        async def once() -> tuple[int | None, list[Verdict], int]:
            async with self._pool.acquire() as connection, connection.transaction():
                message_ids = await lock(connection, key, above, CHUNK)
                if not message_ids:
                    return None, [], 0
                known = await _look(connection, message_ids, key, cause)
                verdicts = judge(message_ids, known, cause)
                return message_ids[-1], verdicts, await _apply(connection, verdicts, cause)

        last, verdicts, moved = await retry_on_deadlock(once)
        self._meters.messages[cause.status].inc(moved)
        _tell(verdicts, key, cause)
        return last


def _tell(verdicts: Sequence[Verdict], key: int, cause: Cause) -> None:
    """Logs which messages were settled as what. Those whose late result came first are told again by the reporter."""
    whose = {"client_id" if cause.reason == CLIENT_DELETED else "mailing_id": key}
    for verdict in verdicts:
        if verdict.lost:
            log.warning("attempts lost", **whose, message_id=verdict.message_id, attempts=verdict.lost)
    by_reason: dict[str, list[int]] = {}
    for verdict in verdicts:
        by_reason.setdefault(verdict.reason, []).append(verdict.message_id)
    for reason, message_ids in by_reason.items():
        for ids in logs.in_lines(message_ids):
            log.info("messages settled", **whose, status=cause.status, reason=reason, message_ids=ids)


async def _look(connection: Connection, message_ids: Sequence[int], key: int, cause: Cause) -> Known:
    """Locks the flights of a chunk. Only at a mailing's end does it matter whose window was never open."""
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
