"""Reads and writes mailings with their counters. Deleted mailings and test-sends are invisible here."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.api.mailings.activity.judge import ActivityFacts, Sending, judge_activity
from services.api.mailings.activity.speed import measure_speed
from services.api.mailings.responses import ByStatus, Filter, Mailing, Window
from services.api.mailings.rules import LockedMailing, MailingPlan
from services.api.mailings.schemas import MailingOrder, MailingsQuery
from services.api.providers import store as providers
from services.api.segments.tree import GROUPS
from shared.database import Connection, Pool

# The filter of a mailing with a file names a mailing that never was: a planner that does not know files finds nobody.
NO_MAILING = 2**63 - 1
# The columns of a mailing, as it is shown; the conditions of each statement follow.
_SELECT = """
    SELECT m.id, m.name, m.text, m.operator_codes, m.tags, m.unsent_of, m.segment_id, m.conditions, m.file_id,
        m.recipients, m.start_at, m.end_at, m.window_from, m.window_to, m.window_days, m.on_missing, m.status,
        m.created_at, m.updated_at, m.started_at, m.finished_at,
        m.status IN ('running', 'paused') AND NOT w.expansion_done AS expanding,
        c.total, c.pending, c.retrying, c.sent, c.rejected, c.exhausted, c.expired, c.cancelled,
        now() AS now, w.closing_at IS NOT NULL AS closing,
        -- What became final in this minute and the one before it: activity/speed.py.
        CASE WHEN m.status IN ('running', 'paused') THEN (
            SELECT coalesce(sum(sent + failed), 0)::bigint FROM minutes
            WHERE mailing_id = m.id AND at >= date_trunc('minute', now()) - interval '1 min'
        ) ELSE 0 END AS final_of_late,
        CASE WHEN m.status = 'running' THEN (
            SELECT min(due_at) FROM flights WHERE mailing_id = m.id AND released_at IS NULL
        ) END AS next_due_at,
        CASE WHEN m.status = 'running' AND c.retrying > 0 THEN (
            SELECT outcome FROM outcomes WHERE mailing_id = m.id AND outcome <> 'accepted'
            ORDER BY count DESC, outcome LIMIT 1
        ) END AS failing_as
    FROM mailings m
    JOIN mailing_work w ON w.mailing_id = m.id
    JOIN mailing_counts c ON c.mailing_id = m.id
    WHERE m.deleted_at IS NULL AND NOT m.test
    """


async def clock(connection: Connection | Pool) -> datetime:
    moment: datetime = await connection.fetchval("SELECT now()")
    return moment


async def insert(
    connection: Connection, plan: MailingPlan, request_id: str, *, status: str = "scheduled", test: bool = False
) -> int:
    """Inserts a mailing with its rows in mailing_work and mailing_counts, and returns its id."""
    made: int = await connection.fetchval(
        """
        WITH made AS (
            INSERT INTO mailings
                (text, operator_codes, tags, start_at, end_at, window_from, window_to, unsent_of, segment_id,
                    conditions, window_days, on_missing, personal, name, file_id, recipients, request_id, status, test)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, $13, $14, $15, $16, $17, $18, $19)
            RETURNING id
        ), work AS (
            INSERT INTO mailing_work (mailing_id) SELECT id FROM made
        ), counts AS (
            INSERT INTO mailing_counts (mailing_id) SELECT id FROM made
        )
        SELECT id FROM made
        """,
        *_columns(plan),
        request_id,
        status,
        test,
    )
    return made


def _columns(plan: MailingPlan) -> tuple[object, ...]:
    return (
        plan.text,
        plan.operator_codes,
        plan.tags,
        plan.start_at,
        plan.end_at,
        plan.window_from,
        plan.window_to,
        plan.unsent_of if plan.file_id is None else NO_MAILING,
        plan.segment_id,
        None if plan.conditions is None else orjson.dumps(plan.conditions).decode(),
        plan.window_days,
        plan.on_missing,
        plan.personal,
        plan.name,
        plan.file_id,
        plan.recipients,
    )


async def get(connection: Connection | Pool, mailing_id: int) -> Mailing | None:
    row = await connection.fetchrow(_SELECT + " AND m.id = $1", mailing_id)
    if row is None:
        return None
    (mailing,) = await _mailings(connection, [row])
    return mailing


# What follows an item, and the order, for each sort. The position is the id of the last item; null is the beginning.
_ORDERS: Mapping[MailingOrder, str] = {
    "-id": "($1::bigint IS NULL OR m.id < $1) ORDER BY m.id DESC",
    "id": "($1::bigint IS NULL OR m.id > $1) ORDER BY m.id",
    "start_at": "($1::bigint IS NULL OR (m.start_at, m.id) > (SELECT start_at, id FROM mailings WHERE id = $1)) "
    "ORDER BY m.start_at, m.id",
    "-start_at": "($1::bigint IS NULL OR (m.start_at, m.id) < (SELECT start_at, id FROM mailings WHERE id = $1)) "
    "ORDER BY m.start_at DESC, m.id DESC",
    "end_at": "($1::bigint IS NULL OR (m.end_at, m.id) > (SELECT end_at, id FROM mailings WHERE id = $1)) "
    "ORDER BY m.end_at, m.id",
    "-end_at": "($1::bigint IS NULL OR (m.end_at, m.id) < (SELECT end_at, id FROM mailings WHERE id = $1)) "
    "ORDER BY m.end_at DESC, m.id DESC",
}


async def page(pool: Pool, query: MailingsQuery, *, after: int | None, limit: int) -> list[Mailing]:
    """Lists the mailings that a query asks for, in its order, after the mailing with this id."""
    rows = await pool.fetch(
        _SELECT
        + """
        AND ($3::text[] IS NULL OR m.status = ANY ($3))
        AND ($4::text IS NULL OR m.name ILIKE $4 OR m.text ILIKE $4)
        AND ($5::timestamptz IS NULL OR m.start_at >= $5) AND ($6::timestamptz IS NULL OR m.start_at < $6)
        AND """
        + _ORDERS[query.sort]
        + " LIMIT $2",
        after,
        limit,
        query.statuses,
        None if query.q is None else _containing(query.q),
        query.start_from,
        query.start_before,
    )
    return await _mailings(pool, rows)


async def list_ending(pool: Pool) -> list[Mailing]:
    """Lists the mailings that run or are paused, the nearest end first; the first of them only."""
    query = MailingsQuery(status="running,paused", sort="end_at")
    return await page(pool, query, after=None, limit=query.limit)


async def _mailings(connection: Connection | Pool, rows: Sequence[asyncpg.Record]) -> list[Mailing]:
    """Makes mailings of rows. What sends is only looked at for those that run."""
    running = any(row["status"] == "running" for row in rows)
    sending = await read_sending(connection) if running else Sending(0, ())
    return [_mailing(row, sending) for row in rows]


async def read_sending(connection: Connection | Pool) -> Sending:
    """Reads what sends, as the running dispatchers report it."""
    return Sending(await providers.count_dispatchers(connection), await providers.list_all(connection))


def _containing(characters: str) -> str:
    """Returns the pattern of LIKE for texts that contain these characters."""
    escaped = re.sub(r"([%_\\])", r"\\\1", characters)
    return f"%{escaped}%"


async def exists(connection: Connection | Pool, mailing_id: int) -> bool:
    found = await connection.fetchval(
        "SELECT id FROM mailings WHERE id = $1 AND deleted_at IS NULL AND NOT test", mailing_id
    )
    return found is not None


async def lock(connection: Connection, mailing_id: int) -> bool:
    """Locks a mailing's row until the transaction ends.

    What a decision needs is read by the next statement, whose snapshot is younger than the lock. Read by this one,
    mailing_work would be as old as the moment at which the wait for the lock began.
    """
    found = await connection.fetchval(
        "SELECT id FROM mailings WHERE id = $1 AND deleted_at IS NULL AND NOT test FOR UPDATE", mailing_id
    )
    return found is not None


async def read_locked(connection: Connection | Pool, mailing_id: int) -> LockedMailing:
    """Reads what a decision about a mailing needs, with the database's clock at this moment.

    A decision that is written needs the lock; one that is only shown does not.
    """
    (row,) = await connection.fetch(
        """
        SELECT m.name, m.text, m.operator_codes, m.tags, m.unsent_of, m.segment_id, m.conditions, m.file_id,
            m.recipients, m.start_at, m.end_at, m.window_from, m.window_to, m.window_days, m.on_missing, m.status,
            m.updated_at,
            w.closing_at IS NOT NULL AS closing, clock_timestamp() AS now
        FROM mailings m JOIN mailing_work w ON w.mailing_id = m.id
        WHERE m.id = $1
        """,
        mailing_id,
    )
    plan = MailingPlan(
        text=row["text"],
        operator_codes=row["operator_codes"],
        tags=row["tags"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        window_from=row["window_from"],
        window_to=row["window_to"],
        unsent_of=_unsent_of(row),
        segment_id=row["segment_id"],
        conditions=_tree(row),
        window_days=row["window_days"],
        on_missing=row["on_missing"],
        name=row["name"],
        file_id=row["file_id"],
        recipients=row["recipients"],
    )
    return LockedMailing(
        status=row["status"], closing=row["closing"], plan=plan, now=row["now"], updated_at=row["updated_at"]
    )


async def edit(connection: Connection, mailing_id: int, plan: MailingPlan, window_changed: bool) -> None:
    """Writes a new plan.

    window_edited_at is the clock, not the start of the transaction, which may have waited for a lock.
    """
    await connection.execute(
        """
        UPDATE mailings
        SET text = $1, operator_codes = $2, tags = $3, start_at = $4, end_at = $5, window_from = $6, window_to = $7,
            unsent_of = $8, segment_id = $9, conditions = $10::text::jsonb, window_days = $11, on_missing = $12,
            -- A text that stays is sent as it was: one of an earlier version may have braces that mean nothing.
            personal = CASE WHEN text = $1 THEN personal ELSE $13 END,
            name = $14, file_id = $15, recipients = $16,
            window_edited_at = CASE WHEN $18 THEN clock_timestamp() ELSE window_edited_at END,
            updated_at = clock_timestamp()
        WHERE id = $17
        """,
        *_columns(plan),
        mailing_id,
        window_changed,
    )


async def set_status(connection: Connection, mailing_id: int, status: str) -> None:
    await connection.execute(
        "UPDATE mailings SET status = $2, updated_at = clock_timestamp() WHERE id = $1", mailing_id, status
    )


async def delete(connection: Connection, mailing_id: int) -> None:
    """Hides a mailing."""
    await connection.execute("UPDATE mailings SET deleted_at = now(), updated_at = now() WHERE id = $1", mailing_id)


def by_status(row: asyncpg.Record) -> ByStatus:
    return ByStatus.model_validate({name: row[name] for name in ByStatus.model_fields})


def _unsent_of(row: asyncpg.Record) -> int | None:
    """Returns the mailing that the filter names. Beside a file it is none, to a planner that does not know files."""
    named: int | None = row["unsent_of"]
    return named if row["file_id"] is None else None


def _mailing(row: asyncpg.Record, sending: Sending) -> Mailing:
    counts, left = by_status(row), row["pending"] + row["retrying"]
    speed = measure_speed(
        row["status"], row["started_at"], row["final_of_late"], left, row["now"], growing=row["expanding"]
    )
    return Mailing.model_validate(
        {
            **row,
            "filter": _filter(row),
            "window": Window.between(row["window_from"], row["window_to"], row["window_days"]),
            "by_status": counts,
            "rate": speed.rate,
            "eta": speed.eta,
            "activity": judge_activity(_facts(row, left, speed.rate), sending),
        }
    )


def _facts(row: asyncpg.Record, left: int, rate: float) -> ActivityFacts:
    return ActivityFacts(
        status=row["status"],
        now=row["now"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        started_at=row["started_at"],
        closing=row["closing"],
        expanding=row["expanding"],
        has_window=row["window_from"] is not None,
        left=left,
        retrying=row["retrying"],
        next_due_at=row["next_due_at"],
        rate=rate,
        failing_as=row["failing_as"],
    )


def _filter(row: asyncpg.Record) -> Filter:
    tree = _tree(row) or {}
    return Filter(
        operator_codes=row["operator_codes"],
        tags=row["tags"],
        unsent_of=_unsent_of(row),
        segment=row["segment_id"],
        **{field: tree.get(key) for key, field in GROUPS.items()},
    )


def _tree(row: asyncpg.Record) -> dict[str, Any] | None:
    return None if row["conditions"] is None else orjson.loads(row["conditions"])
