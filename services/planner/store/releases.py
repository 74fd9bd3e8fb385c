"""Release: which messages become jobs now, which wait for their window, and how many are in flight.

Each function is one statement in a transaction of its own. So no row stays locked while a planner publishes, however
long the planner stands still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class DueFlight:
    """A flight whose job must be published, unless it `waits` for its window in its client's time zone.

    `zone_unknown`: it waits because the database does not know that zone.
    """

    message_id: int
    mailing_id: int
    client_id: int
    attempt: int
    waits: bool
    zone_unknown: bool
    timezone: str


@dataclass(frozen=True, slots=True)
class TakenFlights:
    """Flights of several mailings that were taken together, at the database's time `taken_at`; None without any."""

    flights: list[DueFlight]
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class InFlight:
    """How many messages are in flight, of each mailing and with an open claim, and how many results were ever folded.

    In flight are messages that are released and due.
    """

    by_mailing: dict[int, int]
    claimed: int
    results: int


async def take_waiting(pool: Pool, owner: UUID, limits: Mapping[int, int]) -> TakenFlights:
    """Takes flights that wait in the table and are due: retries, jobs put back, and those that were not confirmed.

    `limits` is the most for each mailing id. A flight whose client's window is closed goes on waiting until it opens.
    Nothing is marked: a flight is released once its job is confirmed. The statement judges by the mailings as they are
    under their locks, which an edit must wait for, and skips those that are just being edited.
    """
    rows = await pool.fetch(
        """
        WITH asked AS (
            -- The broker stores the job before the flight says so, and a lost flight is only released again.
            SELECT s.*, set_config('synchronous_commit', 'off', true)
            FROM unnest($2::bigint[], $3::int[]) AS s (mailing_id, most)
        ), leased AS MATERIALIZED (
            SELECT m.id, m.window_from, m.window_to, m.window_days, m.started_at, s.most
            FROM asked s
            JOIN mailings m ON m.id = s.mailing_id
            JOIN mailing_work w ON w.mailing_id = s.mailing_id
            WHERE m.status = 'running' AND m.end_at > clock_timestamp() AND w.owner = $1 AND w.closing_at IS NULL
            FOR SHARE OF m SKIP LOCKED
        ), due AS MATERIALIZED (
            SELECT l.id AS mailing_id, l.started_at, f.message_id, f.client_id, f.attempt, c.timezone,
                l.window_from, l.window_to, l.window_days
            FROM leased l
            CROSS JOIN LATERAL (
                -- While a claim is open, only the dispatcher that sees its attempt end may ask for the next number.
                SELECT message_id, client_id, CASE
                    WHEN claimed_number > folded_number THEN greatest(claimed_number, asked_number)
                    ELSE claimed_number + 1 END AS attempt
                FROM flights WHERE mailing_id = l.id AND released_at IS NULL AND due_at <= now()
                ORDER BY due_at LIMIT l.most
            ) AS f
            JOIN clients c ON c.id = f.client_id
        ), zone AS MATERIALIZED (
            -- Each time zone is judged once for each mailing, for all of its flights: they are carried in arrays, since
            -- joins of such results are nested loops, whose time grows with the square of what is released.
            SELECT mailing_id, timezone, message_ids, client_ids, attempts, opens_at,
                NOT isfinite(opens_at) AS zone_unknown,
                -- A zone that is not known is asked for again, less and less often.
                CASE WHEN isfinite(opens_at) THEN opens_at
                    ELSE now() + least(greatest(now() - started_at, interval '1 min'), interval '1 h') END AS due_at
            FROM (
                SELECT mailing_id, timezone, started_at,
                    array_agg(message_id) AS message_ids, array_agg(client_id) AS client_ids,
                    array_agg(attempt) AS attempts,
                    window_opens_at(window_days, window_from, window_to, timezone, now()) AS opens_at
                FROM due GROUP BY mailing_id, timezone, started_at, window_days, window_from, window_to
            ) AS zones
        ), judged AS MATERIALIZED (
            SELECT f.message_id, z.mailing_id, f.client_id, f.attempt, z.opens_at > now() AS waits, z.zone_unknown,
                z.timezone, z.due_at
            FROM zone z CROSS JOIN LATERAL unnest(z.message_ids, z.client_ids, z.attempts)
                AS f (message_id, client_id, attempt)
        ), closed AS MATERIALIZED (
            SELECT x.message_id, j.due_at FROM judged j JOIN flights x USING (message_id)
            WHERE j.waits AND x.released_at IS NULL ORDER BY x.message_id FOR UPDATE OF x SKIP LOCKED
        ), later AS (
            UPDATE flights f SET due_at = c.due_at FROM closed c WHERE f.message_id = c.message_id
        )
        SELECT message_id, mailing_id, client_id, attempt, waits, zone_unknown, timezone, now() AS taken_at FROM judged
        """,
        owner,
        list(limits),
        list(limits.values()),
    )
    return _taken(rows)


async def take_fresh(pool: Pool, owner: UUID, limits: Mapping[int, int]) -> TakenFlights:
    """Makes flights for the next messages of these mailings, and moves their release cursors.

    `limits` is the most for each mailing id. The flights are inserted as released. Until their jobs are confirmed, the
    confirmed cursor stays behind the release cursor. A message whose client's window is closed gets a flight that waits
    until it opens. A message whose client was deleted or opted out meanwhile gets none: it is settled as
    cancelled.
    """
    rows = await pool.fetch(
        """
        WITH asked AS (
            -- Flights and cursor that are lost together are made again.
            SELECT s.*, set_config('synchronous_commit', 'off', true)
            FROM unnest($2::bigint[], $3::int[]) AS s (mailing_id, most)
        ), leased AS MATERIALIZED (
            SELECT m.id, m.window_from, m.window_to, m.window_days, m.started_at, w.release_cursor, s.most
            FROM asked s
            JOIN mailings m ON m.id = s.mailing_id
            JOIN mailing_work w ON w.mailing_id = s.mailing_id
            WHERE m.status = 'running' AND m.end_at > clock_timestamp() AND w.owner = $1 AND w.closing_at IS NULL
                AND w.release_cursor < w.last_message_id
            FOR SHARE OF m SKIP LOCKED FOR NO KEY UPDATE OF w SKIP LOCKED
        ), fresh AS MATERIALIZED (
            SELECT l.id AS mailing_id, l.window_from, l.window_to, l.window_days, l.started_at,
                x.id, x.client_id, x.status
            FROM leased l
            CROSS JOIN LATERAL (
                -- Rows are compared whole, so that only the index on (mailing_id, id) fits. With the ids compared
                -- alone, a plan for the average mailing walks the primary key, through all messages of the others.
                SELECT id, client_id, status FROM messages
                WHERE (mailing_id, id) > (l.id, l.release_cursor) AND (mailing_id, id) <= (l.id, 9223372036854775807)
                ORDER BY mailing_id, id LIMIT l.most
            ) AS x
        ), zone AS MATERIALIZED (
            -- As in take_waiting: judged once for all messages of a mailing in a time zone, and joined with nothing.
            SELECT mailing_id, timezone, message_ids, client_ids, NOT isfinite(opens_at) AS zone_unknown,
                -- A zone that is not known is asked for again, less and less often.
                CASE WHEN isfinite(opens_at) THEN opens_at
                    ELSE now() + least(greatest(now() - started_at, interval '1 min'), interval '1 h') END AS due_at
            FROM (
                SELECT x.mailing_id, c.timezone, x.started_at,
                    array_agg(x.id) AS message_ids, array_agg(x.client_id) AS client_ids,
                    window_opens_at(x.window_days, x.window_from, x.window_to, c.timezone, now()) AS opens_at
                FROM fresh x JOIN clients c ON c.id = x.client_id
                WHERE x.status = 'pending' AND c.phone IS NOT NULL AND c.suppression_id IS NULL
                GROUP BY x.mailing_id, c.timezone, x.started_at, x.window_days, x.window_from, x.window_to
            ) AS judged
        ), wanted AS MATERIALIZED (
            SELECT f.message_id, f.client_id, z.mailing_id, z.timezone, z.zone_unknown,
                z.due_at, z.due_at > now() AS waits
            FROM zone z CROSS JOIN LATERAL unnest(z.message_ids, z.client_ids) AS f (message_id, client_id)
        ), made AS (
            INSERT INTO flights (message_id, mailing_id, client_id, due_at, released_at)
            SELECT message_id, mailing_id, client_id, due_at, CASE WHEN NOT waits THEN now() END
            FROM wanted ORDER BY message_id
            -- A resend may have made a flight already.
            ON CONFLICT (message_id) DO NOTHING
            RETURNING message_id
        ), moved AS (
            -- Over every message looked at, also those that need no flight.
            UPDATE mailing_work w SET release_cursor = e.last
            FROM (SELECT mailing_id, max(id) AS last FROM fresh GROUP BY 1) AS e WHERE w.mailing_id = e.mailing_id
        )
        SELECT message_id, mailing_id, client_id, 1 AS attempt, waits, zone_unknown, timezone, now() AS taken_at
        FROM wanted
        -- IS TRUE keeps this from becoming a join: ids are looked up in a hash table.
        WHERE (message_id IN (SELECT message_id FROM made)) IS TRUE
        """,
        owner,
        list(limits),
        list(limits.values()),
    )
    return _taken(rows)


def _taken(rows: Sequence[asyncpg.Record]) -> TakenFlights:
    flights = [
        DueFlight(
            message_id=row["message_id"],
            mailing_id=row["mailing_id"],
            client_id=row["client_id"],
            attempt=row["attempt"],
            waits=row["waits"],
            zone_unknown=row["zone_unknown"],
            timezone=row["timezone"],
        )
        for row in rows
    ]
    return TakenFlights(flights, rows[0]["taken_at"] if rows else None)


async def mark_released(pool: Pool, message_ids: Sequence[int], taken_at: datetime | None) -> None:
    """Marks flights that waited in the table as on the broker.

    A flight that a dispatcher has put back meanwhile is due later than it was taken, and stays in the table.
    """
    await pool.execute(
        """
        UPDATE flights SET released_at = clock_timestamp()
        WHERE message_id = ANY ($1::bigint[]) AND released_at IS NULL AND due_at <= $2
        """,
        message_ids,
        taken_at,
    )


async def take_back(pool: Pool, owner: UUID, message_ids: Sequence[int]) -> None:
    """Returns fresh flights to the table whose jobs were not confirmed, unless claimed or the lease is lost."""
    await pool.execute(
        """
        UPDATE flights f SET released_at = NULL
        FROM mailing_work w
        WHERE f.message_id = ANY ($2::bigint[]) AND w.mailing_id = f.mailing_id AND w.owner = $1
            AND f.claimed_number = 0 AND f.folded_number = 0
        """,
        owner,
        message_ids,
    )


async def take_back_unconfirmed(pool: Pool, owner: UUID, mailing_ids: Sequence[int]) -> int:
    """Returns to the table what an earlier owner of these leases may not have published. Returns how many flights.

    Between the confirmed cursor and the release cursor lie fresh flights whose jobs nobody saw confirmed. A job that is
    on the broker all the same is doubled, and its claim absorbs that.
    """
    value: int = await pool.fetchval(
        """
        WITH leased AS MATERIALIZED (
            SELECT mailing_id, confirmed_cursor, release_cursor FROM mailing_work
            WHERE mailing_id = ANY ($2::bigint[]) AND owner = $1 AND confirmed_cursor < release_cursor
            FOR NO KEY UPDATE
        ), lost AS (
            UPDATE flights f SET released_at = NULL
            FROM leased l
            WHERE f.message_id > l.confirmed_cursor AND f.message_id <= l.release_cursor
                AND f.mailing_id = l.mailing_id AND f.claimed_number = 0 AND f.folded_number = 0
            RETURNING 1
        ), confirmed AS (
            UPDATE mailing_work w SET confirmed_cursor = l.release_cursor
            FROM leased l WHERE w.mailing_id = l.mailing_id
        )
        SELECT count(*) FROM lost
        """,
        owner,
        mailing_ids,
    )
    return value


async def read_in_flight(pool: Pool) -> InFlight:
    """Counts what is in flight, and reads how many results were ever folded."""
    rows = await pool.fetch(
        """
        SELECT f.mailing_id, count(*) AS messages, count(*) FILTER (WHERE f.claimed_number > f.folded_number) AS claimed
        FROM flights f
        WHERE f.released_at IS NOT NULL AND f.due_at <= now() GROUP BY 1
        UNION ALL SELECT NULL, results, 0 FROM fence
        """
    )
    counts = {row["mailing_id"]: row["messages"] for row in rows}
    results = counts.pop(None)
    return InFlight(counts, sum(row["claimed"] for row in rows), results)
