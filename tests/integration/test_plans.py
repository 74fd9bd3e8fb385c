"""The statements of the path of a message take a time that grows with their batch, not with its square."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.dispatcher.claims import store as claims
from services.planner.store import expansion, leases, lifecycle, releases
from services.reporter.fold import fold
from shared.messages import Result, Results
from tests.support.mailing_rows import add_clients, add_mailing

BATCH = 600
# A nested loop over two results of a batch compares each with each other: 360,000 rows.
MOST_COMPARED = 20 * BATCH
_COMPARED = re.compile(r"Rows Removed by Join Filter: (\d+)")


class Plans:
    """The plans of the statements that a connection ran."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def check(self, words: str) -> None:
        """Checks the plans since the last call, one of which must hold these words."""
        compared = [int(number) for plan in self.seen for number in _COMPARED.findall(plan)]
        assert max(compared, default=0) < MOST_COMPARED, "\n\n".join(self.seen)
        assert any(words in plan for plan in self.seen), self.seen
        self.seen.clear()


@pytest.fixture
def plans() -> Plans:
    return Plans()


@pytest.fixture
async def explained(database_url: str, plans: Plans) -> AsyncIterator[asyncpg.Pool]:
    """A pool whose connections execute each statement first to explain it, and roll that back."""

    class ExplainedConnection(asyncpg.Connection):
        async def fetch(self, query: str, *args: Any, **options: Any) -> list[asyncpg.Record]:  # type: ignore[override]
            await self.note_plan(query, args)
            return await super().fetch(query, *args, **options)

        async def execute(self, query: str, *args: Any, **options: Any) -> str:
            if args:
                await self.note_plan(query, args)
            return await super().execute(query, *args, **options)

        async def note_plan(self, query: str, args: Sequence[Any]) -> None:
            if query.split(None, 1)[0] in {"WITH", "INSERT", "UPDATE", "DELETE"}:
                tried = self.transaction()
                await tried.start()
                rows = await super().fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {query}", *args)
                await tried.rollback()
                plans.seen.append("\n".join(row[0] for row in rows))

    settings = {"timezone": "UTC", "jit": "off"}
    async with asyncpg.create_pool(
        database_url, min_size=1, max_size=2, connection_class=ExplainedConnection, server_settings=settings
    ) as opened:
        yield opened


async def test_no_statement_compares_each_message_with_each_other(explained: asyncpg.Pool, plans: Plans) -> None:
    pool, owner = explained, uuid4()
    await add_clients(pool, BATCH)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    await leases.acquire(pool, owner, release=True, most=1)
    await expansion.expand(pool, owner, [mailing_id], BATCH)
    plans.check("Insert on messages")
    taken = await releases.take_fresh(pool, owner, {mailing_id: BATCH})
    assert len(taken.flights) == BATCH
    plans.check("Insert on flights")
    for number, status, outcome in ((1, "retrying", "server_error"), (2, "sent", "accepted")):
        jobs = [claims.AskedJob(one.message_id, number) for one in taken.flights]
        assert {claim.verdict for claim in await claims.claim(pool, uuid4(), jobs)} == {"send"}
        plans.check("Update on flights")
        results = [
            Result(
                message_id=one.message_id,
                mailing_id=mailing_id,
                client_id=one.client_id,
                number=number,
                status=status,  # type: ignore[arg-type]
                outcome=outcome,  # type: ignore[arg-type]
                started_at=datetime.now(UTC),
                duration_ms=5,
            )
            for one in taken.flights
        ]
        await fold(pool, [Results(results=results)])
        plans.check("Insert on attempts")


@pytest.mark.parametrize("zone", ["UTC", "Not/Known"])
async def test_neither_do_those_that_release_what_waits_for_its_window(
    explained: asyncpg.Pool, plans: Plans, zone: str
) -> None:
    pool, owner = explained, uuid4()
    await add_clients(pool, BATCH)
    await pool.execute("UPDATE clients SET timezone = $1", zone)
    mailing_id = await add_mailing(pool)
    await lifecycle.start_due(pool)
    await pool.execute(
        "UPDATE mailings SET window_from = '00:00', window_to = '00:01', window_days = 1 << n FROM"
        " (SELECT (extract(isodow FROM now())::int + 2) % 7 AS n) AS later"
    )
    await leases.acquire(pool, owner, release=True, most=1)
    await expansion.expand(pool, owner, [mailing_id], BATCH)
    taken = await releases.take_fresh(pool, owner, {mailing_id: BATCH})
    assert [one.waits for one in taken.flights] == [True] * BATCH
    plans.check("Insert on flights")
    await pool.execute("UPDATE flights SET due_at = now() - interval '1 s'")
    taken = await releases.take_waiting(pool, owner, {mailing_id: BATCH})
    assert [one.waits for one in taken.flights] == [True] * BATCH
    assert {one.zone_unknown for one in taken.flights} == {zone != "UTC"}
    plans.check("Update on flights")
    assert await pool.fetchval("SELECT count(*) FROM flights WHERE due_at > now()") == BATCH
