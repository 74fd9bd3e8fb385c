"""Settles messages that will never be sent: after the end, after a cancel, after a client's deletion."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.planner.closing import leaving, store
from services.planner.closing.rules import (
    CLIENT_DELETED,
    DEADLINE,
    FlightFacts,
    Settlement,
    SettlementCause,
    cause_of_closing,
    decide,
    name_failure,
)
from services.planner.closing.store import ClosingMailing, LockedMessages
from services.planner.metrics import Metrics
from services.planner.set_aside import SetAside
from services.planner.store import attempts
from shared import logs
from shared.database import Connection, Pool, retry_on_deadlock
from shared.statuses import OPTED_OUT

# Results of the messages of a chunk wait for it to be settled.
MESSAGES_PER_CHUNK = 2000
# A mailing of no more messages is read as a whole: that is cheaper than to look for its flights among all others.
SMALL_MAILING = 5000

# Locks the next unsent messages of a mailing or a client: (connection, its id, above which message id, how many).
LockMessages = Callable[[Connection, int, int, int], Awaitable[LockedMessages]]

log = logs.get()


class Settler:
    """The settler of one planner. It settles chunk by chunk, until only messages with open claims are left."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._mailings = SetAside("closing", metrics, lambda: asyncio.get_running_loop().time())
        self._clients = SetAside("client", metrics, lambda: asyncio.get_running_loop().time())
        self._opt_outs = SetAside("client", metrics, lambda: asyncio.get_running_loop().time())

    async def close_mailings(self) -> bool:
        """Begins closings, and continues those begun. Returns whether a mailing waits for a fence to be closed."""
        for mailing_id, request_id in await store.begin_closing(self._pool):
            log.info("mailing closing", mailing_id=mailing_id, request_id=request_id)
        await store.begin_cancelled(self._pool)
        mailings = {mailing.mailing_id: mailing for mailing in await store.list_closing(self._pool)}

        async def close(mailing_id: int) -> None:
            await self._close(mailings[mailing_id])

        await self._mailings.try_each(list(mailings), close)
        return bool(mailings)

    async def close_clients(self) -> None:
        """Settles the unsent messages of deleted clients as cancelled."""
        found = await leaving.list_deleted_clients(self._pool, self._clients.passed_over)
        clients = {client.client_id: client for client in found}

        async def close(client_id: int) -> None:
            cause = SettlementCause("cancelled", CLIENT_DELETED, clients[client_id].claims_due)
            await self._settle_all(store.lock_unsent_of_client, client_id, cause)

        await self._clients.try_each(list(clients), close)
        await leaving.mark_clients_settled(self._pool)

    async def close_opt_outs(self) -> None:
        """Settles the unsent messages of clients on the stop list as cancelled."""
        found = await leaving.list_opted_out_clients(self._pool, self._opt_outs.passed_over)
        clients = {client.client_id: client for client in found}

        async def close(client_id: int) -> None:
            cause = SettlementCause("cancelled", OPTED_OUT, clients[client_id].claims_due)
            await self._settle_all(store.lock_unsent_of_client, client_id, cause)

        await self._opt_outs.try_each(list(clients), close)
        await leaving.mark_opt_outs_settled(self._pool)

    async def _close(self, mailing: ClosingMailing) -> None:
        """Settles what is in flight, then what was never released, then what is left without a flight.

        Of a large mailing most messages may be sent long ago, and are not read for that.
        """
        cause = cause_of_closing(cancelled=mailing.cancelled, paused=mailing.paused, claims_due=mailing.claims_due)
        if mailing.total <= SMALL_MAILING:
            await self._settle_all(store.lock_unsent_of_mailing, mailing.mailing_id, cause)
            return
        await self._settle_all(store.lock_unsent_in_flight, mailing.mailing_id, cause)
        await self._settle_all(store.lock_unsent_of_mailing, mailing.mailing_id, cause, above=mailing.release_cursor)
        if mailing.expansion_over and await store.has_unsent_without_flight(self._pool, mailing.mailing_id):
            await self._settle_all(store.lock_unsent_of_mailing, mailing.mailing_id, cause)

    async def _settle_all(self, lock: LockMessages, key: int, cause: SettlementCause, above: int = 0) -> None:
        upto: int | None = above
        while upto is not None:
            upto = await self._settle_chunk(lock, key, upto, cause)

    async def _settle_chunk(self, lock: LockMessages, key: int, above: int, cause: SettlementCause) -> int | None:
        """Settles one chunk, and returns up to which message id; None when nothing can follow."""

        async def once() -> tuple[int | None, list[Settlement], int]:
            async with self._pool.acquire() as connection, connection.transaction():
                await store.allow_pauses(connection)
                locked = await lock(connection, key, above, MESSAGES_PER_CHUNK)
                if not locked.ids:
                    return locked.upto, [], 0
                facts = await _read_facts(connection, locked.ids, key, cause)
                settlements = decide(locked.ids, facts, cause)
                return locked.upto, settlements, await _apply(connection, settlements, cause)

        upto, settlements, moved = await retry_on_deadlock(once)
        self._metrics.messages[cause.status].inc(moved)
        _log_settlements(settlements, key, cause)
        return upto


def _log_settlements(settlements: Sequence[Settlement], key: int, cause: SettlementCause) -> None:
    """Logs which messages were settled as what. One that a late result moved first is in the reporter's log, too."""
    owner = {"client_id" if cause.reason in (CLIENT_DELETED, OPTED_OUT) else "mailing_id": key}
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
    """Locks the flights of a chunk. What kept a message from being sent matters only at a mailing's end."""
    locked, in_flight = await store.lock_flights(connection, message_ids)
    if cause.reason != DEADLINE:
        return FlightFacts(locked, in_flight)
    unreleased = [message_id for message_id in message_ids if message_id not in in_flight]
    unreachable = await store.list_unreachable(connection, key, unreleased) if unreleased else []
    tried = [message_id for message_id, flight in locked.items() if flight.folded_number > 0 and not flight.open]
    failures = await store.read_last_failures(connection, tried) if tried else {}
    failed = {message_id: name_failure(*failure) for message_id, failure in failures.items()}
    return FlightFacts(locked, in_flight, frozenset(unreachable), failed)


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
