"""Shows the query plans of previews and expansions, for each kind of condition, with a million clients.

    python -m bench.query_plans.filters postgresql://superuser@host/empty_database

Fills the database, calls the functions of the stores with auto_explain, and prints a Markdown table with the time and
the plan nodes of each statement. Used for docs/decisions/0006.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import orjson

from bench.query_plans.collector import MILLION, PlanCollector, SingleConnectionPool, explain
from services.api.mailings.audience import missing_values, preview_store
from services.api.mailings.audience.selection import read_audience
from services.api.mailings.rules import MailingPlan
from services.planner.store import expansion
from shared.audience.personal_text import read_text
from shared.audience.reading import read_tree
from shared.audience.sql import ALL_CLIENTS, compile_filter
from shared.database import open_connection
from shared.migrate import migrate

Json = dict[str, Any]
CHUNK = 2000

FILL = """
-- A million clients with four attributes each; every tenth has a second tag.
INSERT INTO clients (phone, operator_code, tag, further_tags, timezone, attributes, created_at)
SELECT (70000000000 + i)::text, (900 + i % 100)::text, 'tag' || i % 100,
    CASE WHEN i % 10 = 0 THEN ARRAY['second' || i % 100] ELSE '{}' END,
    CASE WHEN i % 3 = 0 THEN 'Asia/Yekaterinburg' ELSE 'Europe/Moscow' END,
    jsonb_build_object('name', 'Anna' || i % 5000, 'city', 'city' || i % 50, 'points', i % 1000,
        'since', to_char(date '2020-01-01' + i % 2000, 'YYYY-MM-DD')),
    now() - i * interval '1 min'
FROM generate_series(1, $N) i;
INSERT INTO mailings (text, start_at, end_at, status, started_at)
SELECT 'Hello', now() - interval '1 min', now() + interval '1 day', 'running', now() FROM generate_series(1, 2);
-- Mailing 1 was sent to a fifth of them; mailing 2 is being expanded.
INSERT INTO mailing_work (mailing_id, upper_client_id, expansion_done) VALUES (1, $N, true), (2, $N, false);
INSERT INTO mailing_counts (mailing_id) VALUES (1), (2);
INSERT INTO messages (mailing_id, client_id, status, final_at)
SELECT 1, i * 5, 'sent', now() - interval '2 days' FROM generate_series(1, $N / 5) i;
-- A file of as many recipients, in another order than that of their ids.
INSERT INTO recipient_files DEFAULT VALUES;
INSERT INTO recipients (file_id, client_id, line, given)
SELECT 1, i, $N + 1 - i, '{"name": "Olga"}' FROM generate_series(1, $N) i;
"""

CONDITIONS: Mapping[str, Json] = {
    "operator_code in": {"field": "operator_code", "op": "in", "value": ["916", "903"]},
    "timezone ne": {"field": "timezone", "op": "ne", "value": "Europe/Moscow"},
    "tag eq": {"field": "tag", "op": "eq", "value": "tag7"},
    "tag exists": {"field": "tag", "op": "exists", "value": False},
    "attribute eq": {"field": "attribute", "name": "city", "op": "eq", "value": "city7"},
    "attribute ne": {"field": "attribute", "name": "city", "op": "ne", "value": "city7"},
    "attribute in": {"field": "attribute", "name": "city", "op": "in", "value": ["city7", "city8"]},
    "attribute ge (number)": {"field": "attribute", "name": "points", "op": "ge", "value": 900},
    "attribute lt (date)": {"field": "attribute", "name": "since", "op": "lt", "value": "2021-01-01"},
    "attribute contains": {"field": "attribute", "name": "name", "op": "contains", "value": "nna77"},
    "attribute exists": {"field": "attribute", "name": "city", "op": "exists"},
    "created after": {"field": "created", "op": "after", "value": "2026-01-01T00:00:00Z"},
    "not message of mailing": {"not": [{"field": "message", "mailing": 1, "status": ["sent"]}]},
    "no_message_within": {"field": "no_message_within", "value": "7d"},
}
LISTS: Mapping[str, Json] = {
    "everybody": {},
    "list of a tag": {"tags": ["tag7"]},
    "list of a further tag": {"tags": ["second10"]},
    "list of operator codes": {"operator_codes": ["916", "903"]},
    "unsent of a mailing": {"unsent_of": 1},
}


def plan_of(**fields: Any) -> MailingPlan:
    now = datetime.now(UTC)
    lists: Json = {"operator_codes": [], "tags": [], "window_from": None, "window_to": None}
    return MailingPlan(**{"text": "Hello", "start_at": now, "end_at": now + timedelta(hours=1), **lists, **fields})


def calls(pool: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Maps the title of each statement to a call of its store function. Every call can be repeated."""
    owner = uuid4()

    async def preview(plan: MailingPlan) -> None:
        await preview_store.count_audience(pool, plan, await read_audience(pool, plan))

    async def expand(fields: Json, tree: Json | None = None) -> None:
        # Each call takes the next clients, of whom there are enough.
        await pool.execute("UPDATE mailing_work SET owner = $1 WHERE mailing_id = 2", owner)
        await pool.execute(
            "UPDATE mailings SET operator_codes = $1, tags = $2, unsent_of = $3 WHERE id = 2",
            fields.get("operator_codes", []),
            fields.get("tags", []),
            fields.get("unsent_of"),
        )
        read = None if tree is None else read_tree(orjson.loads(orjson.dumps(tree)))
        compiled = (
            ALL_CLIENTS
            if read is None
            else compile_filter(read, first=expansion.FIRST_OF_FILTER, mailing_id=2, start=datetime.now(UTC))
        )
        await expansion.expand(pool, owner, [2], CHUNK, compiled)

    async def shapes(text: str, **fields: Any) -> None:
        plan = plan_of(text=text, **fields)
        await missing_values.count_shapes(pool, await read_audience(pool, plan), read_text(text))

    found: dict[str, Callable[[], Awaitable[Any]]] = {}
    for name, fields in LISTS.items():
        found[f"api: preview, {name}"] = lambda fields=fields: preview(plan_of(**fields))  # type: ignore[misc]
        found[f"planner: expansion chunk of 2,000, {name}"] = lambda fields=fields: expand(fields)  # type: ignore[misc]
    for name, condition in CONDITIONS.items():
        tree = condition if "not" in condition else {"all": [condition]}
        found[f"api: preview, {name}"] = lambda tree=tree: preview(plan_of(conditions=tree))  # type: ignore[misc]
        found[f"planner: expansion chunk of 2,000, {name}"] = lambda tree=tree: expand({}, tree)  # type: ignore[misc]
    found["api: preview, a file of a million"] = lambda: preview(plan_of(file_id=1))
    three = "{{name}} {{city|here}} {{points|0}}"
    found["api: shapes of the values of three placeholders"] = lambda: shapes(three)
    found["api: shapes of the values of three placeholders, a file"] = lambda: shapes(three, file_id=1)
    return found


async def fill(connection: asyncpg.Connection) -> None:
    await migrate(connection)
    await connection.execute(FILL.replace("$N", str(MILLION)), timeout=1800)
    await connection.execute("VACUUM ANALYZE", timeout=900)


async def main(url: str) -> None:
    # One connection takes the place of the pool, so that one listener gets all plans.
    connection = await open_connection(url)
    if await connection.fetchval("SELECT to_regclass('messages') IS NULL"):
        await fill(connection)
    await explain(connection)
    collector = PlanCollector(connection)
    sys.stdout.write("| statement | ms | nodes |\n|---|---|---|\n")
    for name, work in calls(SingleConnectionPool(connection)).items():
        sys.stdout.write(await collector.call(name, work) + "\n")
        sys.stdout.flush()
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
