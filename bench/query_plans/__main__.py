"""Shows the query plans of the frequent statements, with a million clients and a million messages.

    python -m bench.query_plans postgresql://superuser@host/empty_database

Fills the database, calls the functions of the stores with auto_explain, and prints a Markdown table with the time and
the plan nodes of each statement. Used for docs/decisions/0006.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from bench.query_plans.collector import MILLION, PlanCollector, SingleConnectionPool, explain
from services.api.clients import store as clients
from services.api.edits import store as edits
from services.api.edits.scope import EditScope
from services.api.mailings import store as mailings
from services.api.mailings.schemas import MailingsQuery
from services.api.messages import store as messages
from services.api.statistics import store as statistics
from services.dispatcher.claims import store as dispatcher
from services.planner.closing import leaving
from services.planner.closing import store as closing
from services.planner.store import backlog, expansion, leases, lifecycle, releases, repairs, windows
from services.reporter.fold import fold
from shared.database import Pool, open_connection
from shared.messages import Result, Results
from shared.migrate import migrate
from shared.statuses import MessageStatus

FILL = """
-- A million clients with 100 operator codes and 1,000 tags.
INSERT INTO clients (phone, operator_code, tag, timezone)
SELECT (70000000000 + i)::text, (900 + i % 100)::text, 'tag' || i % 1000, 'Europe/Moscow' FROM generate_series(1, $N) i;
-- Mailing 1 is being sent, mailing 2 is being expanded, mailing 3 has no messages left.
INSERT INTO mailings (text, start_at, end_at, status, started_at)
SELECT 'Hello', now() - interval '1 min', now() + interval '1 day', 'running', now() FROM generate_series(1, 3);
INSERT INTO mailing_work
    (mailing_id, upper_client_id, expansion_done, release_cursor, confirmed_cursor, last_message_id)
VALUES (1, $N, true, 60000, 60000, $N), (2, $N, false, 0, 0, 0), (3, $N, true, $N, $N, $N);
-- A message of mailing 1 to every client, one in a thousand of them rejected.
INSERT INTO messages (mailing_id, client_id) SELECT 1, i FROM generate_series(1, $N) i;
UPDATE messages SET status = 'rejected', reason = 'HTTP 400', final_at = now() WHERE id % 1000 = 999;
INSERT INTO mailing_counts (mailing_id, total, pending, rejected)
VALUES (1, $N, $N - $N / 1000, $N / 1000), (2, 0, 0, 0), (3, 0, 0, 0);
-- 55,000 flights on the broker, most of them due later, and 5,000 waiting in the table.
INSERT INTO flights (message_id, mailing_id, client_id, released_at, due_at)
SELECT id, 1, client_id, now(), now() + CASE WHEN id > 5000 THEN interval '10 min' ELSE interval '0' END
FROM messages WHERE id <= 55000 AND status = 'pending';
INSERT INTO flights (message_id, mailing_id, client_id, due_at)
SELECT id, 1, client_id, now() + interval '1 h' FROM messages WHERE id BETWEEN 55001 AND 60000 AND status = 'pending';
"""


async def fill(connection: asyncpg.Connection) -> None:
    await migrate(connection)
    await connection.execute(FILL.replace("$N", str(MILLION)), timeout=900)
    await connection.execute("VACUUM ANALYZE", timeout=900)


def calls(pool: Any, connection: asyncpg.Connection) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Maps the title of each statement to a call of its store function. Every call can be repeated."""
    owner, worker, at = uuid4(), uuid4(), iter(range(1, 5000, 100))

    async def hold() -> None:
        await connection.execute("UPDATE mailing_work SET owner = $1", owner)

    async def claim() -> None:
        first = next(at)
        await dispatcher.claim(pool, worker, [dispatcher.AskedJob(first + n, 1) for n in range(100)])

    folded = iter(range(2501, 5000, 100))

    async def fold_batch() -> None:
        first = next(folded)
        ids = [first + n for n in range(100) if (first + n) % 1000 != 999]
        results = [
            Result(
                message_id=i, mailing_id=1, client_id=i, number=1, status="sent", outcome="accepted",
                started_at=datetime.now(UTC), duration_ms=5,
            )
            for i in ids
        ]  # fmt: skip
        await fold(pool, [Results(results=results)])

    async def expand() -> None:
        await hold()
        await expansion.expand(pool, owner, [2], 2000)

    async def fresh() -> None:
        await hold()
        await releases.take_fresh(pool, owner, {1: 500})

    async def waiting() -> None:
        await hold()
        await releases.take_waiting(pool, owner, {1: 500})

    released = list(range(60_001, 60_501))
    return {
        "planner: start what is due": lambda: lifecycle.start_due(pool),
        "planner: seconds to the next start": lambda: lifecycle.seconds_to_next_start(pool),
        "planner: finish what is done": lambda: lifecycle.finish_done(pool),
        "planner: begin closing": lambda: closing.begin_closing(pool),
        "planner: list closing": lambda: closing.list_closing(pool),
        "planner: deleted clients": lambda: leaving.list_deleted_clients(pool),
        "planner: in flight, and rate": lambda: releases.read_in_flight(pool),
        "planner: lease": lambda: leases.acquire(pool, owner, release=True, most=8),
        "planner: expansion chunk of 2,000": expand,
        "planner: fresh flights, 500": fresh,
        "planner: waiting flights, 500": waiting,
        "planner: mark 500 released": lambda: releases.mark_released(pool, released, datetime.now(UTC)),
        "planner: windows edited": lambda: windows.recheck_edited(pool, 10_000),
        "planner: vanished jobs": lambda: repairs.take_vanished(pool, 5000),
        "planner: stale claims": lambda: repairs.put_back_stale(pool, 5000),
        "planner: metrics, what is unsent": lambda: backlog.list_unsent(pool),
        "planner: metrics, mailings by status": lambda: backlog.count_mailings(pool),
        "dispatcher: claim of 100": claim,
        "dispatcher: beat": lambda: dispatcher.beat(
            connection, worker, [], [worker], sending=True, stale_after=timedelta(seconds=17), seconds=5
        ),
        "dispatcher: count of queued retries": lambda: dispatcher.count_queued_retries(pool),
        "dispatcher: give back of 100": lambda: dispatcher.give_back(
            pool, [dispatcher.GivenBack(worker, number, 1, datetime.now(UTC)) for number in range(1, 101)]
        ),
        "api: messages of an edited mailing": lambda: edits.has_messages(pool, EditScope.of_mailing(1)),
        "api: messages of an edited client": lambda: edits.has_messages(pool, EditScope.of_clients([77])),
        "reporter: fold of 100": fold_batch,
        "planner: messages to settle, 5,000": lambda: closing.lock_unsent_of_mailing(connection, 1, 500_000, 5000),
        "planner: a client's messages to settle": lambda: closing.lock_unsent_of_client(connection, 77, 0, 1000),
        "api: page of clients": lambda: clients.page(
            pool, phone=None, operator_code=None, tag=None, after=500_000, limit=100
        ),
        "api: clients by operator code and tag": lambda: clients.page(
            pool, phone=None, operator_code="950", tag="tag50", after=500_000, limit=100
        ),
        "api: clients by tag": lambda: clients.page(
            pool, phone=None, operator_code=None, tag="tag7", after=500_000, limit=100
        ),
        "api: client by phone": lambda: clients.page(
            pool, phone="70000500000", operator_code=None, tag=None, after=0, limit=100
        ),
        "api: one mailing": lambda: mailings.get(pool, 1),
        "api: page of mailings": lambda: mailings.page(pool, MailingsQuery(), after=2**62, limit=100),
        "api: page of messages": lambda: _messages(pool, (), after=500_000),
        "api: page of rejected messages": lambda: messages.page(
            pool, 1, statuses=("rejected",), reason=None, after=500_000, limit=100
        ),
        "api: page of retrying messages": lambda: messages.page(
            pool, 1, statuses=("retrying",), reason=None, after=0, limit=100
        ),
        "api: page of pending messages": lambda: messages.page(
            pool, 1, statuses=("pending",), reason=None, after=0, limit=100
        ),
        "api: page of sent messages": lambda: messages.page(
            pool, 1, statuses=("sent",), reason=None, after=0, limit=100
        ),
        "api: overall statistics": lambda: statistics.totals(pool),
    }


async def main(url: str) -> None:
    # One connection takes the place of the pool, so that one listener gets all plans.
    connection = await open_connection(url)
    if await connection.fetchval("SELECT to_regclass('messages') IS NULL"):
        await fill(connection)
    single = SingleConnectionPool(connection)
    await explain(connection)
    await connection.execute(
        "UPDATE flights SET claimed_number = 1 WHERE message_id BETWEEN 2501 AND 5000 AND claimed_number = 0"
    )
    collector = PlanCollector(connection)
    write = sys.stdout.write
    write("| statement | ms | nodes |\n|---|---|---|\n")
    for name, work in calls(single, connection).items():
        write(await collector.call(name, work) + "\n")
    await connection.close()


async def _messages(pool: Pool, statuses: Sequence[MessageStatus], after: int) -> object:
    return await messages.page(pool, 1, statuses=statuses, reason=None, after=after, limit=100)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
