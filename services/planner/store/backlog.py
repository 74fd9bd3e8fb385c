"""The backlog, for the metrics: how many messages are unsent, until when, and how far the fold has come."""

from dataclasses import dataclass

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class UnsentMessages:
    """The messages of a running mailing that are not final, and how many of them wait for a retry or a window."""

    unsent: int
    waiting: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class FoldProgress:
    """The number of results ever folded, and the age of the newest folded fence in seconds; None before the first."""

    results: int
    fence_age: float | None


async def list_unsent(pool: Pool) -> list[UnsentMessages]:
    """Counts the unsent messages of each running mailing, and those of them that wait."""
    rows = await pool.fetch(
        """
        SELECT c.pending + c.retrying AS unsent,
            -- In the table, by the index on each mailing's flights; then in the retry queues, by one scan for all.
            (SELECT count(*) FROM flights f WHERE f.mailing_id = m.id AND f.released_at IS NULL AND f.due_at > now())
            + coalesce(r.retries, 0) AS waiting,
            extract(epoch FROM m.end_at - clock_timestamp())::float8 AS seconds_left
        FROM mailings m
        JOIN mailing_counts c ON c.mailing_id = m.id
        LEFT JOIN (
            SELECT mailing_id, count(*) AS retries FROM flights
            WHERE released_at IS NOT NULL AND due_at > now() GROUP BY 1
        ) AS r ON r.mailing_id = m.id
        WHERE m.finished_at IS NULL AND m.status = 'running'
        """
    )
    return [UnsentMessages(**row) for row in rows]


async def count_mailings(pool: Pool) -> dict[str, int]:
    """Counts the mailings that are not finished, by status."""
    rows = await pool.fetch("SELECT status, count(*) AS n FROM mailings WHERE finished_at IS NULL GROUP BY 1")
    return {row["status"]: row["n"] for row in rows}


async def read_progress(pool: Pool) -> FoldProgress:
    """Reads how far the reporter has folded."""
    row = await pool.fetchrow(
        """
        SELECT results, CASE WHEN isfinite(folded_at)
            THEN extract(epoch FROM clock_timestamp() - folded_at)::float8 END AS fence_age
        FROM fence
        """
    )
    assert row is not None  # noqa: S101 - the table has one row
    return FoldProgress(results=row["results"], fence_age=row["fence_age"])
