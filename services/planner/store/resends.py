"""Resends: messages that an operator asked to send again, chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.database import Connection


@dataclass(frozen=True, slots=True)
class OpenResend:
    """A resend that is not done, under its row lock. `wanted`: its mailing still sends.

    It is by message if `message_ids` is not None. Else it is by status, and messages with the first of `statuses` have
    been looked at up to the id `cursor`. Those whose outcome is unknown are left out unless `include_unknown`. Or it is
    by `delivery`: messages that were sent, and of which a receipt says this.
    """

    id: int
    mailing_id: int
    statuses: list[str]
    cursor: int
    message_ids: list[int] | None
    requested_at: datetime
    request_id: str | None
    wanted: bool
    include_unknown: bool
    delivery: list[str] | None


@dataclass(frozen=True, slots=True)
class ResendCandidate:
    """A final, unsent message.

    `open`: an attempt may still be under way. `lost`: an attempt never got a result. `unknown`: by its reason, the
    provider may have it.
    """

    message_id: int
    attempts: int
    client_alive: bool
    open: bool
    lost: bool
    unknown: bool


async def lock_oldest(connection: Connection, passing_over: Sequence[int] = ()) -> OpenResend | None:
    """Locks the oldest open resend that no other planner works on, and its mailing against edits.

    Resends with an id in `passing_over` are left out.
    """
    row = await connection.fetchrow(
        """
        SELECT r.id, r.mailing_id, r.statuses::text[], r.cursor, r.message_ids, r.requested_at, r.request_id,
            m.status IN ('running', 'paused') AND w.closing_at IS NULL AND m.end_at > clock_timestamp() AS wanted,
            r.include_unknown, r.delivery
        FROM resends r
        JOIN mailings m ON m.id = r.mailing_id
        JOIN mailing_work w ON w.mailing_id = r.mailing_id
        WHERE r.done_at IS NULL AND r.id <> ALL ($1::bigint[])
        ORDER BY r.id LIMIT 1
        FOR NO KEY UPDATE OF r SKIP LOCKED FOR SHARE OF m
        """,
        passing_over,
    )
    return None if row is None else OpenResend(**row)


async def list_of_status(connection: Connection, resend: OpenResend, limit: int) -> list[ResendCandidate]:
    """Lists the next messages of the first status that were final when the resend was requested."""
    rows = await connection.fetch(
        """
        WITH looked AS MATERIALIZED (
            SELECT m FROM messages m
            WHERE (m.mailing_id, m.unsent_status, m.id) > ($1, $2::text::message_status, $3)
                AND (m.mailing_id, m.unsent_status, m.id) <= ($1, $2::text::message_status, 9223372036854775807)
                AND m.unsent_status IS NOT NULL AND m.final_at <= $4
            ORDER BY m.mailing_id, m.unsent_status, m.id LIMIT $5
        )
        SELECT (m).id, (m).attempts, c.phone IS NOT NULL AND c.suppression_id IS NULL AS client_alive,
            attempt_is_open(m) AS open, attempt_is_lost(m) AS lost,
            coalesce((m).reason LIKE 'outcome unknown%', false) AS unknown
        FROM looked JOIN clients c ON c.id = (m).client_id ORDER BY (m).id
        """,
        resend.mailing_id,
        resend.statuses[0],
        resend.cursor,
        resend.requested_at,
        limit,
    )
    return [_candidate(row) for row in rows]


async def list_undelivered(connection: Connection, resend: OpenResend, limit: int) -> list[ResendCandidate]:
    """Lists the next messages that were undelivered when the resend was requested."""
    rows = await connection.fetch(
        """
        SELECT d.message_id AS id, m.attempts, c.phone IS NOT NULL AND c.suppression_id IS NULL AS client_alive,
            attempt_is_open(m) AS open, attempt_is_lost(m) AS lost, false AS unknown
        FROM deliveries d JOIN messages m ON m.id = d.message_id JOIN clients c ON c.id = m.client_id
        WHERE d.mailing_id = $1 AND d.message_id > $2 AND d.delivery = 'undelivered'
            AND m.status = 'sent' AND m.final_at <= $3
        ORDER BY d.message_id LIMIT $4
        """,
        resend.mailing_id,
        resend.cursor,
        resend.requested_at,
        limit,
    )
    return [_candidate(row) for row in rows]


async def list_by_id(connection: Connection, resend: OpenResend) -> list[ResendCandidate]:
    """Lists those of the resend's messages that are still final and unsent."""
    rows = await connection.fetch(
        """
        SELECT m.id, m.attempts, c.phone IS NOT NULL AND c.suppression_id IS NULL AS client_alive,
            attempt_is_open(m) AS open, attempt_is_lost(m) AS lost,
            coalesce(m.reason LIKE 'outcome unknown%', false) AS unknown
        FROM messages m JOIN clients c ON c.id = m.client_id
        WHERE m.id = ANY ($1::bigint[]) AND m.mailing_id = $2 AND m.final_at <= $3
            AND m.unsent_status IS NOT NULL
        ORDER BY m.id
        """,
        resend.message_ids,
        resend.mailing_id,
        resend.requested_at,
    )
    return [_candidate(row) for row in rows]


def _candidate(row: asyncpg.Record) -> ResendCandidate:
    return ResendCandidate(
        message_id=row["id"],
        attempts=row["attempts"],
        client_alive=row["client_alive"],
        open=row["open"],
        lost=row["lost"],
        unknown=row["unknown"],
    )


async def reopen(connection: Connection, message_ids: Sequence[int]) -> int:
    """Opens a new round for these messages, and returns how many were reopened."""
    value: int = await connection.fetchval("SELECT reopen($1::bigint[])", message_ids)
    return value


async def reopen_undelivered(connection: Connection, message_ids: Sequence[int]) -> int:
    """Opens a new round for messages that were sent and are undelivered, and returns how many were reopened."""
    value: int = await connection.fetchval("SELECT reopen_undelivered($1::bigint[])", message_ids)
    return value


async def move_over(connection: Connection, resend_id: int, cursor: int) -> None:
    """Stores how far a resend by delivery has come."""
    await connection.execute("UPDATE resends SET cursor = $2 WHERE id = $1", resend_id, cursor)


async def finish(connection: Connection, resend_id: int) -> None:
    """Ends a resend. The cursor says that a planner did it that knows all kinds: see migration 0066."""
    await connection.execute(
        "UPDATE resends SET statuses = '{}', cursor = -1, done_at = clock_timestamp() WHERE id = $1", resend_id
    )


async def move_on(connection: Connection, resend_id: int, statuses: Sequence[str], cursor: int) -> None:
    """Stores how far a resend has come. Without a status left it is done."""
    await connection.execute(
        """
        UPDATE resends
        SET statuses = $2::text[]::message_status[], cursor = $3,
            done_at = CASE WHEN cardinality($2::text[]) = 0 THEN clock_timestamp() END
        WHERE id = $1
        """,
        resend_id,
        statuses,
        cursor,
    )
