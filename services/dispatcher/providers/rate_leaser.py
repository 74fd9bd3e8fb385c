"""Leases the tokens of each provider's rate from the database, so that all dispatchers together keep to it."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from services.dispatcher.admission.rate_limit import NoLimit
from services.dispatcher.admission.rate_shares import RateWish, entitled
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.providers.lane import Lane
from shared import logs
from shared.database import DATABASE_OUTAGES, Connection, Pool, describe
from shared.waiting import Backoff

LOOK_SECONDS, RENEW_SECONDS = 0.1, 0.5
# Far more often than a lease ends, also where nothing is sent.
IDLE_SECONDS = 2.0
# Of an advisory lock for each provider, with a hash of its name.
LOCK = 4_837_252

log = logs.get()


class RateLeaser:
    """Renews the leases of this process, until cancelled. While the database is away they run out."""

    def __init__(self, pool: Pool, fleet: Callable[[], Fleet], clock: Callable[[], float]) -> None:
        self._pool = pool
        self._fleet = fleet
        self._clock = clock
        self._process = uuid4()
        self._renewed_at: dict[str, float] = {}

    async def run(self) -> None:
        backoff = Backoff()
        while True:
            try:
                for lane in self._fleet().lanes.values():
                    if self._is_due(lane):
                        await self._renew(lane)
                backoff.reset()
            except DATABASE_OUTAGES as error:
                log.debug("rate not leased", detail=describe(error))
                await asyncio.sleep(backoff.next())
            await asyncio.sleep(LOOK_SECONDS)

    def _is_due(self, lane: Lane) -> bool:
        limit = lane.limiter
        if isinstance(limit, NoLimit):
            return False
        since = self._clock() - self._renewed_at.get(lane.name, float("-inf"))
        if since >= IDLE_SECONDS or (lane.waiting and not limit.held):
            return True
        return since >= RENEW_SECONDS and (limit.held > 0 or lane.waiting > 0)

    async def _renew(self, lane: Lane) -> None:
        limit = lane.limiter
        wanted, need = limit.wish(lane.waiting)
        kept, asked_at = limit.give_back(), self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            tokens, target = await exchange(
                connection, lane.name, self._process, kept, RateWish(wanted, need), limit.total
            )
        limit.lease(tokens, target, asked_at)
        self._renewed_at[lane.name] = self._clock()


async def exchange(
    connection: Connection, provider: str, process: UUID, held: int, wish: RateWish, total: int
) -> tuple[int, int]:
    """Renews a lease: what is not held any more is free for others, and what they left free is taken.

    Returns how many tokens the process has, and how many it is to have. Rows of processes that are gone are deleted.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK, provider)
    turn: int = await connection.fetchval("SELECT (extract(epoch FROM clock_timestamp()) / 2)::bigint")
    rows = await connection.fetch(
        """
        WITH gone AS (DELETE FROM rate_leases WHERE renewed_at < clock_timestamp() - interval '10 s')
        SELECT process, tokens, wanted, need FROM rate_leases
        WHERE provider = $1 AND renewed_at >= clock_timestamp() - interval '10 s'
        """,
        provider,
    )
    known = {row["process"]: row["tokens"] for row in rows}
    wishes = {row["process"]: RateWish(row["wanted"], row["need"]) for row in rows} | {process: wish}
    mine, others = min(held, known.pop(process, 0)), sum(known.values())
    target = entitled(process, wishes, total, turn)
    tokens = mine + max(min(target - mine, total - others - mine), 0)
    await connection.execute(
        """
        INSERT INTO rate_leases (provider, process, tokens, wanted, need) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (provider, process) DO UPDATE
            SET tokens = EXCLUDED.tokens, wanted = EXCLUDED.wanted, need = EXCLUDED.need,
                renewed_at = clock_timestamp()
        """,
        provider,
        process,
        tokens,
        wish.wanted,
        wish.need,
    )
    return tokens, target
