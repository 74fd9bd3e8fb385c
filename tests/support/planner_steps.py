"""Runs steps of a planner in the test itself, for tests that need a running mailing and no planner process."""

from uuid import UUID, uuid4

import asyncpg

from services.planner.expansion import expand_chunks
from services.planner.release import ReleasedBatch, ReleaseOrder, release_batch
from services.planner.store import leases, lifecycle
from shared.broker import Publisher
from tests.support.mailing_rows import add_clients, add_mailing


async def lease_one(pool: asyncpg.Pool, owner: UUID) -> int:
    """Leases the next mailing for `owner`, and returns its id."""
    (lease,) = await leases.acquire(pool, owner, release=True, most=1)
    return lease.mailing_id


async def expand_all(pool: asyncpg.Pool, mailing_id: int, size: int = 100) -> None:
    """Expands a mailing to the end, in chunks of `size` clients."""
    owner = uuid4()
    await pool.execute("UPDATE mailing_work SET owner = $1, leased_until = now() + interval '1 min'", owner)
    while not await pool.fetchval("SELECT expansion_done FROM mailing_work WHERE mailing_id = $1", mailing_id):
        await expand_chunks(pool, owner, [mailing_id], size)
    await pool.execute("UPDATE mailing_work SET owner = NULL, leased_until = now()")


async def release_chunk(
    pool: asyncpg.Pool, publisher: Publisher, owner: UUID, mailing_id: int, limit: int
) -> ReleasedBatch:
    """Releases up to `limit` messages of a mailing that `owner` leases."""
    return await release_batch(pool, publisher, owner, {mailing_id: ReleaseOrder(limit, True, "test-request")})


async def running_mailing(pool: asyncpg.Pool, clients: int, **mailing: object) -> int:
    """Adds clients and an expanded, running mailing, and returns its id."""
    await add_clients(pool, clients)
    mailing_id = await add_mailing(pool, **mailing)  # type: ignore[arg-type]
    await lifecycle.start_due(pool)
    await expand_all(pool, mailing_id)
    return mailing_id
