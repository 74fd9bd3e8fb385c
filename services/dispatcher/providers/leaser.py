"""Leases each provider's rate and concurrency from the database, so that all dispatchers together keep to them."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

from services.dispatcher.admission import slot_lease
from services.dispatcher.admission.rate_limit import LEASE_SECONDS, NoLimit, RateLimit
from services.dispatcher.admission.rate_shares import HeldLease, RateWish, settle
from services.dispatcher.admission.seen_leases import LeaseAge, LeaseTerms, SeenLeases
from services.dispatcher.admission.slot_lease import SlotLease
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.providers.lane import Lane
from shared import logs
from shared.database import DATABASE_OUTAGES, Connection, Pool, describe
from shared.waiting import Backoff

LOOK_SECONDS, RENEW_SECONDS = 0.1, 0.5
# Far more often than a lease ends, also where nothing is sent: others may want what lies idle here.
IDLE_SECONDS = 1.0
LEAVE_SECONDS = 1.0
# Of an advisory lock for each lease, with a hash of its name.
LOCK = 4_837_252
# What a process wants that has ended.
LEFT = -1

log = logs.get()


class Leaser:
    """Renews the leases of this process, until cancelled. While the database is away they run out."""

    def __init__(self, pool: Pool, fleet: Callable[[], Fleet], clock: Callable[[], float]) -> None:
        self._pool = pool
        self._fleet = fleet
        self._clock = clock
        self._process = uuid4()
        self._seen = SeenLeases(clock)
        self._renewed_at: dict[str, float] = {}

    async def run(self) -> None:
        backoff = Backoff()
        while True:
            try:
                for lane in self._fleet().lanes.values():
                    if not isinstance(lane.limiter, NoLimit) and self._is_due(lane.name, lane.limiter, lane):
                        await self._renew_rate(lane)
                    if lane.slots is not None and self._is_due(slots_of(lane.name), lane.slots, lane):
                        await self._renew_slots(lane, lane.slots)
                backoff.reset()
            except DATABASE_OUTAGES as error:
                log.debug("not leased", detail=describe(error))
                await asyncio.sleep(backoff.next())
            await asyncio.sleep(LOOK_SECONDS)

    async def leave(self) -> None:
        """Gives back what this process has: slots at once, since no request is open, tokens after their window."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await release(self._pool, self._process, list(self._fleet().lanes))
        except DATABASE_OUTAGES as error:
            log.info("leases left behind", detail=describe(error))

    def _is_due(self, name: str, lease: RateLimit | SlotLease, lane: Lane) -> bool:
        since = self._clock() - self._renewed_at.get(name, float("-inf"))
        wanted = lane.waiting > 0 or lease.hungry
        if since >= IDLE_SECONDS or (wanted and not lease.held):
            return True
        return since >= RENEW_SECONDS and (lease.busy or wanted)

    async def _renew_rate(self, lane: Lane) -> None:
        limit = lane.limiter
        wanted, need = limit.wish(lane.waiting)
        kept, asked_at, terms = limit.give_back(), self._clock(), terms_of(limit.window)
        async with self._pool.acquire() as connection, connection.transaction():
            tokens, target = await exchange(
                connection, lane.name, self._process, kept, RateWish(wanted, need), limit.total, self._seen, terms
            )
        limit.lease(tokens, target, asked_at)
        self._renewed_at[lane.name] = self._clock()

    async def _renew_slots(self, lane: Lane, lease: SlotLease) -> None:
        name, wish, asked_at = slots_of(lane.name), lease.wish(lane.waiting), self._clock()
        total = max(lease.total // 2, 1) if asked_at < lane.holds.slowed_until else lease.total
        async with self._pool.acquire() as connection, connection.transaction():
            slots, target = await exchange(
                connection, name, self._process, lease.give_back(), wish, total, self._seen, slot_lease.TERMS
            )
        lease.lease(slots, target, asked_at)
        self._renewed_at[name] = self._clock()


def slots_of(provider: str) -> str:
    """Names the lease of a provider's concurrency. No provider's name has a space."""
    return f"{provider} requests"


def terms_of(window: float) -> LeaseTerms:
    """Returns when tokens of a process that is gone are free, if each allows a message in a window of so many seconds.

    A token of its last request rests for two windows where the provider is slowed.
    """
    return LeaseTerms(LEASE_SECONDS + max(window, LEASE_SECONDS), LEASE_SECONDS + window, 2 * window)


async def exchange(
    connection: Connection,
    name: str,
    process: UUID,
    held: int,
    wish: RateWish,
    total: int,
    seen: SeenLeases,
    terms: LeaseTerms,
) -> tuple[int, int]:
    """Renews a lease: what is not held any more is free for others, and what they left free is taken.

    Returns how many tokens or slots the process has, and how many it is to have. By `seen` and `terms` it is known
    which processes are gone: theirs are free.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK, name)
    turn: int = await connection.fetchval("SELECT (extract(epoch FROM clock_timestamp()) / 2)::bigint")
    rows = await connection.fetch(
        """
        WITH forgotten AS (
            DELETE FROM rate_leases WHERE provider <> $1 AND renewed_at < clock_timestamp() - interval '1 day'
        )
        SELECT process, tokens, wanted, need, renewed_at,
            extract(epoch FROM clock_timestamp() - renewed_at)::float8 AS age
        FROM rate_leases WHERE provider = $1
        """,
        name,
    )
    ages = {
        row["process"]: LeaseAge(row["renewed_at"], row["age"], row["wanted"] == LEFT)
        for row in rows
        if row["process"] != process
    }
    gone = seen.gone(name, ages, terms)
    if gone:
        await connection.execute(
            "DELETE FROM rate_leases WHERE provider = $1 AND process = ANY ($2::uuid[])", name, list(gone)
        )
    leases = {
        row["process"]: HeldLease(row["tokens"], RateWish(max(row["wanted"], 0), row["need"]))
        for row in rows
        if row["process"] not in gone
    }
    tokens, target = settle(process, held, wish, leases, total, turn)
    await connection.execute(
        """
        INSERT INTO rate_leases (provider, process, tokens, wanted, need) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (provider, process) DO UPDATE
            SET tokens = EXCLUDED.tokens, wanted = EXCLUDED.wanted, need = EXCLUDED.need,
                renewed_at = clock_timestamp()
        """,
        name,
        process,
        tokens,
        wish.wanted,
        wish.need,
    )
    return tokens, target


async def release(pool: Pool, process: UUID, providers: Sequence[str]) -> None:
    """Gives back the leases of a process whose requests have ended: all but the rates of `providers` at once.

    Tokens of its last requests are in use for another window, so their rows say only that it has ended.
    """
    await pool.execute(
        """
        WITH left_behind AS (
            DELETE FROM rate_leases WHERE process = $1 AND provider <> ALL ($2::text[])
        )
        UPDATE rate_leases SET wanted = $3, renewed_at = clock_timestamp()
        WHERE process = $1 AND provider = ANY ($2::text[])
        """,
        process,
        list(providers),
        LEFT,
    )
