"""Reads and writes the events of mailings and clients."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from services.api.audit.responses import AnyEvent, Event
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class EventPlace:
    """The place of an event in the history of its client: by time, then by the order in which such events occur."""

    at_us: int
    rank: int
    number: int


START = EventPlace(0, 0, 0)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None is no limit."""

    by: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event with its place in the history of its client."""

    event: Event
    place: EventPlace


async def add_mailing_event(
    connection: Connection, mailing_id: int, kind: str, *, request_id: str, detail: str
) -> None:
    """Adds an event of a mailing. `detail` is JSON."""
    await connection.execute(
        "INSERT INTO events (mailing_id, kind, request_id, detail) VALUES ($1, $2, $3, $4::text::jsonb)",
        mailing_id,
        kind,
        request_id,
        detail,
    )


async def add_event(connection: Connection | Pool, kind: str, *, request_id: str, detail: str) -> None:
    """Adds an event that concerns neither a mailing nor a client. `detail` is JSON."""
    await connection.execute(
        "INSERT INTO events (kind, request_id, detail) VALUES ($1, $2, $3::text::jsonb)", kind, request_id, detail
    )


async def list_all(pool: Pool, wanted: EventFilter, *, before: int, limit: int) -> list[AnyEvent]:
    """Lists events of everything, the newest first."""
    rows = await pool.fetch(
        """
        SELECT id, at, kind, detail ->> 'by' AS by, mailing_id, client_id, request_id, detail FROM events
        WHERE id < $1 AND ($2::text IS NULL OR detail ->> 'by' = $2) AND ($3::text IS NULL OR kind = $3)
            AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
        ORDER BY id DESC LIMIT $6
        """,
        before,
        wanted.by,
        wanted.kind,
        wanted.since,
        wanted.until,
        limit,
    )
    return [AnyEvent(**{**row, "detail": orjson.loads(row["detail"])}) for row in rows]


async def add_client_update(connection: Connection, client_id: int, *, request_id: str, detail: str) -> None:
    """Adds the event of a client's update. `detail` is JSON."""
    await connection.execute(
        "INSERT INTO events (client_id, kind, request_id, detail) VALUES ($1, 'updated', $2, $3::text::jsonb)",
        client_id,
        request_id,
        detail,
    )


async def of_mailing(pool: Pool, mailing_id: int, *, after: int, limit: int) -> list[tuple[int, Event]]:
    """Lists the events of a mailing with their ids, the oldest first.

    They are written under the row lock of the mailing, so the order of ids is that of time.
    """
    rows = await pool.fetch(
        """
        SELECT id, at, kind, request_id, detail FROM events
        WHERE mailing_id = $1 AND id > $2 ORDER BY id LIMIT $3
        """,
        mailing_id,
        after,
        limit,
    )
    return [(row["id"], _event(row)) for row in rows]


async def of_client(pool: Pool, client_id: int, *, after: EventPlace, limit: int) -> list[PlacedEvent]:
    """Lists the events of a client and of its messages, the oldest first.

    Imports of versions before 0.2 recorded no events: the creation of such a client, and its last update if no event
    covers it, come from the client's own row. Events of messages come from messages and
    attempts. Every page reads the whole history of the client, which is a few rows for each of its mailings.
    """
    rows = await pool.fetch(
        """
        WITH own AS (
            SELECT id, mailing_id, created_at, status, reason, final_at, started_at, duration_ms, http_status
            FROM messages WHERE client_id = $1
        ), happened AS (
            -- What the API recorded.
            SELECT at, 1 AS rank, id AS number, kind, request_id, detail FROM events WHERE client_id = $1
            UNION ALL
            -- The creation by an import.
            SELECT c.created_at, 0, 0, 'created', NULL, '{}' FROM clients c
            WHERE c.id = $1 AND NOT EXISTS (SELECT FROM events e WHERE e.client_id = $1 AND e.kind = 'created')
            UNION ALL
            -- The last update by an import, where no later one was recorded.
            SELECT c.updated_at, 2, 0, 'updated', NULL, '{}' FROM clients c
            WHERE c.id = $1 AND c.updated_at > c.created_at
                AND NOT EXISTS (SELECT FROM events e WHERE e.client_id = $1 AND e.at >= c.updated_at)
            UNION ALL
            -- Each message: its creation,
            SELECT o.created_at, 3, o.id, 'message_created', m.request_id,
                jsonb_build_object('message_id', o.id, 'mailing_id', o.mailing_id)
            FROM own o JOIN mailings m ON m.id = o.mailing_id
            UNION ALL
            -- its attempts; one that was lost has no start,
            SELECT coalesce(a.started_at, o.final_at, o.created_at), 10 + a.number, o.id, 'message_attempted', NULL,
                jsonb_build_object('message_id', o.id, 'mailing_id', o.mailing_id, 'number', a.number,
                    'outcome', a.outcome, 'http_status', a.http_status, 'duration_ms', a.duration_ms)
            FROM own o JOIN attempts a ON a.message_id = o.id
            UNION ALL
            -- a first attempt that succeeded, which only messages holds,
            SELECT o.started_at, 11, o.id, 'message_attempted', NULL,
                jsonb_build_object('message_id', o.id, 'mailing_id', o.mailing_id, 'number', 1,
                    'outcome', 'accepted', 'http_status', o.http_status, 'duration_ms', o.duration_ms)
            FROM own o
            WHERE o.started_at IS NOT NULL
                AND NOT EXISTS (SELECT FROM attempts a WHERE a.message_id = o.id AND a.number = 1)
            UNION ALL
            -- and its end, which comes after all else of the same moment.
            SELECT o.final_at, 2147483647, o.id, 'message_ended', NULL,
                jsonb_build_object('message_id', o.id, 'mailing_id', o.mailing_id, 'status', o.status,
                    'reason', o.reason)
            FROM own o WHERE o.final_at IS NOT NULL
        ), placed AS (
            SELECT (extract(epoch FROM at) * 1000000)::bigint AS at_us, rank, number, at, kind, request_id, detail
            FROM happened
        )
        SELECT at_us, rank, number, at, kind, request_id, detail FROM placed
        WHERE (at_us, rank, number) > ($2, $3, $4)
        ORDER BY at_us, rank, number LIMIT $5
        """,
        client_id,
        after.at_us,
        after.rank,
        after.number,
        limit,
    )
    return [
        PlacedEvent(_event(row), EventPlace(at_us=row["at_us"], rank=row["rank"], number=row["number"])) for row in rows
    ]


def _event(row: asyncpg.Record) -> Event:
    at: datetime = row["at"]
    return Event(at=at, kind=row["kind"], request_id=row["request_id"], detail=orjson.loads(row["detail"]))
