"""Reads the figures of a day, and keeps which days were reported."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.planner.report.figures import Day, DayCounts, ReasonCount, ReportedMailing
from shared.database import Connection, Pool

# A report may read every message of its day.
STATEMENT_TIMEOUT = "120s"
MOST_MAILINGS, MOST_REASONS = 200, 12


@dataclass(frozen=True, slots=True)
class TakenDay:
    """A day whose report this process may send now. `handed`: an earlier holder of the lease may have sent it."""

    attempts: int
    handed: bool


async def take_day(pool: Pool, day: date, lease: timedelta, *, begin: bool) -> TakenDay | None:
    """Takes the lease on a day's report. Returns None while another holds it, and when the day is done.

    Without `begin` it takes only a report that somebody has tried before.
    """
    row = await pool.fetchrow(
        """
        INSERT INTO reports AS r (day, leased_until)
        SELECT $1, now() + $2::interval WHERE $3::boolean OR EXISTS (SELECT FROM reports WHERE day = $1)
        ON CONFLICT (day) DO UPDATE SET leased_until = EXCLUDED.leased_until, attempts = r.attempts + 1
            WHERE r.leased_until < now() AND r.sent_at IS NULL AND r.given_up_at IS NULL
        RETURNING attempts, handed_at IS NOT NULL AS handed
        """,
        day,
        lease,
        begin,
    )
    return None if row is None else TakenDay(**row)


async def mark_handed(pool: Pool, day: date, attempts: int) -> bool:
    """Records that the mail server is about to get the report, after which it may have it.

    Returns False, and records nothing, where this attempt is not the last one: another has taken the lease since.
    """
    return (
        await pool.execute(
            """
        UPDATE reports SET handed_at = now()
        WHERE day = $1 AND attempts = $2 AND sent_at IS NULL AND given_up_at IS NULL
        """,
            day,
            attempts,
        )
        == "UPDATE 1"
    )


async def mark_sent(pool: Pool, day: date) -> None:
    """Records that the mail server took the report."""
    await pool.execute("UPDATE reports SET sent_at = now(), given_up_at = NULL, error = NULL WHERE day = $1", day)


async def put_off(pool: Pool, day: date, pause: timedelta, error: str) -> None:
    """Lets the report be tried again after `pause`: the mail server certainly did not take it."""
    await pool.execute(
        "UPDATE reports SET handed_at = NULL, leased_until = now() + $2::interval, error = $3 WHERE day = $1",
        day,
        pause,
        error,
    )


async def give_up(pool: Pool, day: date, error: str) -> None:
    """Records that nobody tries this day's report again."""
    await pool.execute("UPDATE reports SET given_up_at = now(), error = $2 WHERE day = $1", day, error)


async def is_missing(pool: Pool, day: date) -> bool:
    """Returns whether the report of this day was given up."""
    query = "SELECT EXISTS (SELECT FROM reports WHERE day = $1 AND given_up_at IS NOT NULL)"
    return bool(await pool.fetchval(query, day))


async def list_mailings(connection: Connection, day: Day) -> list[ReportedMailing]:
    """Lists the mailings that ran on the day, with the messages that became final on it, the newest first."""
    rows = await connection.fetch(
        """
        WITH ran AS MATERIALIZED (
            SELECT id, name, status, end_at FROM mailings
            WHERE NOT test AND started_at < $2 AND coalesce(finished_at, 'infinity') >= $1 ORDER BY id DESC LIMIT $3
        ), final AS (
            SELECT m.mailing_id, m.status::text AS status, count(*) AS n
            FROM ran JOIN messages m ON m.mailing_id = ran.id
            WHERE m.final_at >= $1 AND m.final_at < $2 GROUP BY 1, 2
        )
        SELECT ran.id, ran.name, ran.status, ran.end_at, final.status AS message_status, final.n
        FROM ran LEFT JOIN final ON final.mailing_id = ran.id ORDER BY ran.id DESC
        """,
        day.begins_at,
        day.ends_at,
        MOST_MAILINGS,
    )
    found: dict[int, ReportedMailing] = {}
    for row in rows:
        mailing = found.setdefault(
            row["id"], ReportedMailing(row["id"], row["name"], row["status"], row["end_at"], DayCounts({}))
        )
        if row["message_status"] is not None:
            mailing.counts.by_status[row["message_status"]] = row["n"]
    return list(found.values())


async def count_final(connection: Connection, day: Day) -> DayCounts:
    """Counts the messages that became final on a day, by status."""
    rows = await connection.fetch(
        """
        SELECT m.status::text AS status, count(*) AS n
        FROM mailings g JOIN messages m ON m.mailing_id = g.id
        WHERE NOT g.test AND coalesce(g.started_at, '-infinity') < $2 AND coalesce(g.finished_at, 'infinity') >= $1
            AND m.final_at >= $1 AND m.final_at < $2
        GROUP BY 1
        """,
        day.begins_at,
        day.ends_at,
    )
    return DayCounts({row["status"]: row["n"] for row in rows})


async def list_reasons(connection: Connection, day: Day) -> list[ReasonCount]:
    """Lists why messages of a day ended unsent, the most frequent first."""
    rows = await connection.fetch(
        """
        SELECT m.status::text AS status, coalesce(m.reason, '') AS reason, count(*) AS n
        FROM mailings g JOIN messages m ON m.mailing_id = g.id
        WHERE NOT g.test AND coalesce(g.started_at, '-infinity') < $2 AND coalesce(g.finished_at, 'infinity') >= $1
            AND m.status IN ('rejected', 'exhausted', 'expired') AND m.final_at >= $1 AND m.final_at < $2
        GROUP BY 1, 2 ORDER BY n DESC, status, reason LIMIT $3
        """,
        day.begins_at,
        day.ends_at,
        MOST_REASONS,
    )
    return [ReasonCount(row["status"], row["reason"], row["n"]) for row in rows]


async def count_trouble_minutes(connection: Connection, day: Day) -> int:
    """Counts the minutes of a day in which more attempts failed than succeeded."""
    value: int = await connection.fetchval(
        """
        SELECT count(*) FROM (
            SELECT at FROM minutes WHERE at >= $1 AND at < $2 GROUP BY at HAVING sum(failed) > sum(sent)
        ) AS bad
        """,
        day.begins_at,
        day.ends_at,
    )
    return value


async def list_ending(connection: Connection, before: datetime) -> list[ReportedMailing]:
    """Lists mailings that end before this moment and have messages unsent, the nearest end first."""
    rows = await connection.fetch(
        """
        SELECT m.id, m.name, m.status, m.end_at, c.pending + c.retrying AS unsent
        FROM mailings m JOIN mailing_counts c ON c.mailing_id = m.id
        WHERE NOT m.test AND m.finished_at IS NULL AND m.status IN ('running', 'paused')
            AND m.end_at > now() AND m.end_at < $1 AND c.pending + c.retrying > 0
        ORDER BY m.end_at, m.id LIMIT $2
        """,
        before,
        MOST_MAILINGS,
    )
    return [
        ReportedMailing(row["id"], row["name"], row["status"], row["end_at"], DayCounts({}), unsent=row["unsent"])
        for row in rows
    ]


async def list_scheduled(connection: Connection, limit: int) -> list[ReportedMailing]:
    """Lists the mailings that start next."""
    rows = await connection.fetch(
        """
        SELECT id, name, status, start_at FROM mailings WHERE status = 'scheduled' AND NOT test
        ORDER BY start_at, id LIMIT $1
        """,
        limit,
    )
    return [ReportedMailing(row["id"], row["name"], row["status"], row["start_at"], DayCounts({})) for row in rows]
