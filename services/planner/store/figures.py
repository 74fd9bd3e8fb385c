"""What the metrics say of the mailings: how much is unsent, until when, and how far the fold has come."""

from dataclasses import dataclass

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class Unsent:
    """A running mailing's messages that are not final. `waiting`: until a retry is due, or a window opens."""

    unsent: int
    waiting: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Results ever folded, and the age in seconds of the newest fence folded; None when there was none yet."""

    results: int
    fence_age: float | None


async def list_unsent(pool: Pool) -> list[Unsent]:
    """Lists what running mailings have not sent. What waits is counted from the index of each mailing's flights."""
    rows = await pool.fetch(
        """
        SELECT c.pending + c.retrying AS unsent,
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
    return [Unsent(row["unsent"], row["waiting"], row["seconds_left"]) for row in rows]


async def count_mailings(pool: Pool) -> dict[str, int]:
    """Counts the mailings whose books are open, by status."""
    rows = await pool.fetch("SELECT status, count(*) AS n FROM mailings WHERE finished_at IS NULL GROUP BY 1")
    return {row["status"]: row["n"] for row in rows}


async def read_progress(pool: Pool) -> Progress:
    row = await pool.fetchrow(
        """
        SELECT results, CASE WHEN isfinite(folded_at)
            THEN extract(epoch FROM clock_timestamp() - folded_at)::float8 END AS fence_age
        FROM fence
        """
    )
    assert row is not None  # noqa: S101 - the table has one row
    return Progress(row["results"], row["fence_age"])
