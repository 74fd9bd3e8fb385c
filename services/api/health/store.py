"""Reads the figures of the health and of the overview. Each statement is bounded: see docs/decisions/0106."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.api.health.responses import Period, Upcoming
from shared.database import Pool

PERIOD_SECONDS = 900
MOST_FAILING, MOST_UPCOMING = 10, 8
# A mailing is named by its name, else by so much of its text.
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Flow:
    """The messages on their way, at the moment `now`."""

    now: datetime
    running: int
    backlog: int
    final_of_late: int
    oldest_job_seconds: float | None


@dataclass(frozen=True, slots=True)
class FailingMailing:
    """A mailing with too many failures among its messages that were sent or failed."""

    mailing_id: int
    title: str
    failed: int
    sent: int
    end_at: datetime


async def read_flow(pool: Pool) -> Flow:
    """Reads how much waits and how fast it moves, of mailings that are open or ended in the last minutes."""
    (row,) = await pool.fetch(
        """
        SELECT now() AS now, w.running, w.backlog, l.final_of_late,
            extract(epoch FROM clock_timestamp() - o.due_at)::float8 AS oldest_job_seconds
        FROM (
            SELECT count(*) AS running, coalesce(sum(c.pending + c.retrying), 0)::bigint AS backlog
            FROM mailings m JOIN mailing_counts c ON c.mailing_id = m.id
            WHERE m.finished_at IS NULL AND m.status = 'running'
        ) AS w, (
            SELECT coalesce(sum(t.sent + t.failed), 0)::bigint AS final_of_late
            FROM mailings m JOIN minutes t ON t.mailing_id = m.id
            WHERE (m.finished_at IS NULL OR m.finished_at > now() - interval '3 min')
                AND t.at >= date_trunc('minute', now()) - interval '1 min'
        ) AS l, (
            -- One look into an index for what is on the broker, and one for each running mailing for what is not.
            SELECT min(due_at) AS due_at FROM (
                (
                    SELECT f.due_at FROM flights f JOIN mailings m ON m.id = f.mailing_id
                    WHERE f.released_at IS NOT NULL AND f.due_at <= now()
                        AND m.status = 'running' AND m.finished_at IS NULL
                    ORDER BY f.due_at LIMIT 1
                ) UNION ALL (
                    SELECT d.due_at FROM mailings m CROSS JOIN LATERAL (
                        SELECT f.due_at FROM flights f
                        WHERE f.mailing_id = m.id AND f.released_at IS NULL AND f.due_at <= now()
                        ORDER BY f.due_at LIMIT 1
                    ) AS d
                    WHERE m.status = 'running' AND m.finished_at IS NULL
                )
            ) AS due
        ) AS o
        """
    )
    return Flow(**row)


async def list_periods(pool: Pool) -> list[Period]:
    """Sums what became final in the last 24 hours, by quarters of an hour. Test-sends do not count."""
    rows = await pool.fetch(
        """
        SELECT to_timestamp(floor(extract(epoch FROM t.at) / $1) * $1) AS at,
            sum(t.sent)::bigint AS sent, sum(t.failed)::bigint AS failed
        FROM mailings m JOIN minutes t ON t.mailing_id = m.id
        WHERE (m.finished_at IS NULL OR m.finished_at >= now() - interval '24 h') AND NOT m.test
            AND t.at >= now() - interval '24 h'
        GROUP BY 1 ORDER BY 1
        """,
        PERIOD_SECONDS,
    )
    return [Period.model_validate(dict(row)) for row in rows]


async def list_failing(pool: Pool, share: float) -> list[FailingMailing]:
    """Lists mailings of the last 24 hours of which more than this share failed, those with the most failures first."""
    rows = await pool.fetch(
        """
        SELECT m.id AS mailing_id, coalesce(nullif(m.name, ''), left(m.text, $2)) AS title,
            c.rejected + c.exhausted + c.expired AS failed, c.sent, m.end_at
        FROM mailings m JOIN mailing_counts c ON c.mailing_id = m.id
        WHERE m.deleted_at IS NULL AND NOT m.test AND m.started_at IS NOT NULL
            AND (m.finished_at IS NULL OR m.finished_at >= now() - interval '24 h')
            AND c.rejected + c.exhausted + c.expired > $1::float8 * (c.rejected + c.exhausted + c.expired + c.sent)
        ORDER BY failed DESC, m.id DESC LIMIT $3
        """,
        share,
        TITLE_LENGTH,
        MOST_FAILING,
    )
    return [FailingMailing(**row) for row in rows]


async def list_upcoming(pool: Pool) -> list[Upcoming]:
    """Lists the mailings that start or end next."""
    rows: list[asyncpg.Record] = await pool.fetch(
        """
        SELECT id AS mailing_id, coalesce(nullif(name, ''), left(text, $1)) AS title,
            CASE WHEN status = 'scheduled' THEN 'starts' ELSE 'ends' END AS what,
            CASE WHEN status = 'scheduled' THEN start_at ELSE end_at END AS at
        FROM mailings
        WHERE finished_at IS NULL AND deleted_at IS NULL AND NOT test
            AND (status = 'scheduled' OR (status IN ('running', 'paused') AND end_at > now()))
        ORDER BY 4, id LIMIT $2
        """,
        TITLE_LENGTH,
        MOST_UPCOMING,
    )
    return [Upcoming.model_validate(dict(row)) for row in rows]
