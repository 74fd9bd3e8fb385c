"""Settles messages that will never be sent: after the end, after a cancel, after a client's deletion."""

from collections.abc import Awaitable, Callable, Sequence

from services.planner.closing import store
from services.planner.closing.rules import (
    CLIENT_DELETED,
    DEADLINE,
    MAILING_CANCELLED,
    FlightFacts,
    Settlement,
    SettlementCause,
    decide,
)
from services.planner.closing.store import ClosingMailing
from services.planner.metrics import Metrics
from services.planner.store import attempts
from shared import logs
from shared.database import Connection, Pool, retry_on_deadlock

MESSAGES_PER_CHUNK = 5000

# Locks the next unsent messages of a mailing or a client: (connection, its id, above which message id, how many).
LockMessages = Callable[[Connection, int, int, int], Awaitable[list[int]]]

log = logs.get()


class Settler:
    """The settler of one planner. It settles chunk by chunk, until only messages with open claims are left."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        # Mailings whose messages were all looked at once: each unsettled one has a flight.
        self._scanned: set[int] = set()

    async def close_mailings(self) -> bool:
        """Begins closings, and continues those begun. Returns whether a mailing waits for a fence to be closed."""
        for mailing_id, request_id in await store.begin_closing(self._pool):
            log.info("mailing closing", mailing_id=mailing_id, request_id=request_id)
        mailings = await store.list_closing(self._pool)
        self._scanned &= {mailing.mailing_id for mailing in mailings}
        for mailing in mailings:
            await self._close(mailing)
        return bool(mailings)

    async def close_clients(self) -> None:
        """Settles the unsent messages of deleted clients as cancelled."""
        client_ids = await store.list_deleted_clients(self._pool)
        cause = SettlementCause("cancelled", CLIENT_DELETED)
        for client_id in client_ids:
            await self._settle_all(store.lock_unsent_of_client, client_id, cause)
        if client_ids:
            await store.mark_clients_settled(self._pool, client_ids)

    async def _close(self, mailing: ClosingMailing) -> None:
        cause = (
            SettlementCause("cancelled", MAILING_CANCELLED)
            if mailing.cancelled
            else SettlementCause("expired", DEADLINE, mailing.claims_due)
        )
        scanned = mailing.mailing_id in self._scanned
        lock = store.lock_unsent_in_flight if scanned else store.lock_unsent_of_mailing
        await self._settle_all(lock, mailing.mailing_id, cause)
        if mailing.expansion_over:
            self._scanned.add(mailing.mailing_id)

    async def _settle_all(self, lock: LockMessages, key: int, cause: SettlementCause) -> None:
        above: int | None = 0
        while above is not None:
            above = await self._settle_chunk(lock, key, above, cause)

    async def _settle_chunk(self, lock: LockMessages, key: int, above: int, cause: SettlementCause) -> int | None:
        """Settles one chunk, and returns its last message id; None when there was none left."""

        async def once() -> tuple[int | None, list[Settlement], int]:
            async with self._pool.acquire() as connection, connection.transaction():
                message_ids = await lock(connection, key, above, MESSAGES_PER_CHUNK)
                if not message_ids:
                    return None, [], 0
                facts = await _read_facts(connection, message_ids, key, cause)
                settlements = decide(message_ids, facts, cause)
                return message_ids[-1], settlements, await _apply(connection, settlements, cause)

        last, settlements, moved = await retry_on_deadlock(once)
        self._metrics.messages[cause.status].inc(moved)
        _log_settlements(settlements, key, cause)
        return last


def _log_settlements(settlements: Sequence[Settlement], key: int, cause: SettlementCause) -> None:
    """Logs which messages were settled as what. One that a late result moved first is in the reporter's log, too."""
    owner = {"client_id" if cause.reason == CLIENT_DELETED else "mailing_id": key}
    for settlement in settlements:
        if settlement.lost:
            log.warning("attempts lost", **owner, message_id=settlement.message_id, attempts=settlement.lost)
    by_reason: dict[str, list[int]] = {}
    for settlement in settlements:
        by_reason.setdefault(settlement.reason, []).append(settlement.message_id)
    for reason, message_ids in by_reason.items():
        for ids in logs.in_lines(message_ids):
            log.info("messages settled", **owner, status=cause.status, reason=reason, message_ids=ids)


async def _read_facts(
    connection: Connection, message_ids: Sequence[int], key: int, cause: SettlementCause
) -> FlightFacts:
    """Locks the flights of a chunk. Whose window was never open matters only at a mailing's end."""
    locked, in_flight = await store.lock_flights(connection, message_ids)
    unreleased = [message_id for message_id in message_ids if message_id not in in_flight]
    if cause.reason != DEADLINE or not unreleased:
        return FlightFacts(locked, in_flight)
    return FlightFacts(locked, in_flight, frozenset(await store.list_unreachable(connection, key, unreleased)))


async def _apply(connection: Connection, settlements: Sequence[Settlement], cause: SettlementCause) -> int:
    """Writes the settlements, and returns how many messages they moved."""
    if not settlements:
        return 0
    lost = [(settlement.message_id, number) for settlement in settlements for number in settlement.lost]
    if lost:
        await attempts.record_lost(connection, lost)
    return await store.settle(
        connection,
        [settlement.message_id for settlement in settlements],
        cause.status,
        [settlement.reason for settlement in settlements],
        [settlement.attempts for settlement in settlements],
    )
