"""The backlog, for the metrics: how many messages are unsent, until when, and how far the fold has come."""

from dataclasses import dataclass

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class UnsentMessages:
    """The messages of a running mailing that are not final, and how many of them wait for a retry or a window.

    `too_late`: those of the waiting that are not due before the mailing's end.
    """

    mailing_id: int
    unsent: int
    waiting: int
    too_late: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class PausedMailings:
    """The longest that a mailing has been paused, and the time that is left to the nearest end of one, in seconds."""

    longest: float
    nearest_end: float


@dataclass(frozen=True, slots=True)
class ClusterState:
    """The age of the oldest unfrozen transaction, in transactions, and the greatest lag in seconds, if seen."""

    transaction_id_age: int
    replication_lag: float | None


@dataclass(frozen=True, slots=True)
class TableSize:
    """The size of a table with its indexes and of what the planner of PostgreSQL takes for its rows.

    `dead_rows`: what a vacuum has not removed yet.
    """

    name: str
    bytes: int
    rows: int
    dead_rows: int


@dataclass(frozen=True, slots=True)
class FoldProgress:
    """The number of results ever folded, and the age of the newest folded fence in seconds; None before the first."""

    results: int
    fence_age: float | None


async def list_unsent(pool: Pool) -> list[UnsentMessages]:
    """Counts the unsent messages of each running mailing, and those of them that wait."""
    rows = await pool.fetch(
        """
        SELECT m.id AS mailing_id, c.pending + c.retrying AS unsent,
            -- In the table, by the index on each mailing's flights; then in the retry queues, by one scan for all.
            t.waiting + coalesce(r.retries, 0) AS waiting, t.too_late + coalesce(r.too_late, 0) AS too_late,
            extract(epoch FROM m.end_at - clock_timestamp())::float8 AS seconds_left
        FROM mailings m
        JOIN mailing_counts c ON c.mailing_id = m.id
        CROSS JOIN LATERAL (
            SELECT count(*) AS waiting, count(*) FILTER (WHERE f.due_at >= m.end_at) AS too_late
            FROM flights f WHERE f.mailing_id = m.id AND f.released_at IS NULL AND f.due_at > now()
        ) AS t
        LEFT JOIN (
            SELECT f.mailing_id, count(*) AS retries, count(*) FILTER (WHERE f.due_at >= e.end_at) AS too_late
            FROM flights f JOIN mailings e ON e.id = f.mailing_id
            WHERE f.released_at IS NOT NULL AND f.due_at > now() GROUP BY 1
        ) AS r ON r.mailing_id = m.id
        WHERE m.finished_at IS NULL AND m.status = 'running'
        """
    )
    return [UnsentMessages(**row) for row in rows]


async def read_paused(pool: Pool) -> PausedMailings | None:
    """Reads how long mailings have been paused, and how near their end is. Returns None while none is paused."""
    row = await pool.fetchrow(
        """
        SELECT max(extract(epoch FROM clock_timestamp() - p.at))::float8 AS longest,
            min(extract(epoch FROM m.end_at - clock_timestamp()))::float8 AS nearest_end
        FROM mailings m
        CROSS JOIN LATERAL (
            SELECT at FROM events WHERE mailing_id = m.id AND kind = 'paused' ORDER BY id DESC LIMIT 1
        ) AS p
        WHERE m.finished_at IS NULL AND m.status = 'paused'
        """
    )
    return None if row is None or row["longest"] is None else PausedMailings(**row)


async def list_table_sizes(pool: Pool) -> list[TableSize]:
    """Lists the sizes of Herald's tables, as PostgreSQL's statistics have them."""
    rows = await pool.fetch(
        """
        SELECT relname AS name, pg_total_relation_size(relid) AS bytes, n_live_tup AS rows, n_dead_tup AS dead_rows
        FROM pg_stat_user_tables WHERE schemaname = current_schema() ORDER BY relname
        """
    )
    return [TableSize(**row) for row in rows]


async def list_oldest_rows(pool: Pool) -> dict[str, float]:
    """Returns the age of the oldest row of each table that grows for ever, or must not, in seconds; not of empty ones.

    Each is one step of an index, whatever the size of the table: ids ascend with time. Rows about a message are as old
    as the message.
    """
    rows = await pool.fetch(
        """
        SELECT name, extract(epoch FROM clock_timestamp() - since)::float8 AS age
        FROM (VALUES
            ('clients', (SELECT created_at FROM clients ORDER BY id LIMIT 1)),
            ('mailings', (SELECT created_at FROM mailings ORDER BY id LIMIT 1)),
            ('messages', (SELECT created_at FROM messages ORDER BY id LIMIT 1)),
            ('flights', (SELECT created_at FROM messages WHERE id = (SELECT min(message_id) FROM flights))),
            ('attempts', (SELECT created_at FROM messages WHERE id = (SELECT min(message_id) FROM attempts))),
            ('deliveries', (SELECT created_at FROM messages WHERE id = (SELECT min(message_id) FROM deliveries))),
            ('events', (SELECT at FROM events ORDER BY id LIMIT 1)),
            ('resends', (SELECT requested_at FROM resends ORDER BY id LIMIT 1)),
            ('idempotency_keys', (SELECT min(created_at) FROM idempotency_keys)),
            ('edits', (SELECT min(edited_at) FROM edits)),
            ('sign_ins', (SELECT min(created_at) FROM sign_ins)),
            ('sessions', (SELECT created_at FROM sessions ORDER BY id LIMIT 1))
        ) AS oldest (name, since)
        WHERE since IS NOT NULL
        """
    )
    return {row["name"]: row["age"] for row in rows}


async def read_cluster(pool: Pool) -> ClusterState:
    """Reads the age of the oldest unfrozen transaction, and how far the slowest standby is behind.

    A role without pg_read_all_stats sees no standby. A standby that has nothing to replay counts as 0 s.
    """
    row = await pool.fetchrow(
        """
        SELECT (SELECT max(age(datfrozenxid)) FROM pg_database)::bigint AS transaction_id_age,
            (SELECT max(coalesce(extract(epoch FROM replay_lag), 0)) FROM pg_stat_replication
             WHERE state IS NOT NULL)::float8 AS replication_lag
        """
    )
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return ClusterState(**row)


async def read_oldest_unsent(pool: Pool) -> float | None:
    """Returns for how many seconds the oldest flight that may be sent now has been due; None without any."""
    value: float | None = await pool.fetchval(
        """
        SELECT extract(epoch FROM clock_timestamp() - min(f.due_at))::float8
        FROM flights f JOIN mailings m ON m.id = f.mailing_id
        WHERE f.due_at <= now() AND m.status = 'running' AND m.finished_at IS NULL
        """
    )
    return value


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
