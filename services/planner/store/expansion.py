"""Expansion: the clients of a frozen audience, and a message for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.audience.sql import ALL_CLIENTS, CompiledFilter
from shared.database import Pool
from shared.statuses import OPTED_OUT


@dataclass(frozen=True, slots=True)
class ExpandedMailing:
    """What one chunk of a mailing added. Between `first_id` and `last_id` other mailings may have ids, too.

    Of the messages that were `added`, `opted_out` are to clients on the stop list, and are cancelled already. Clients
    up to the id `cursor` have been looked at. `done`: the audience is complete.
    """

    mailing_id: int
    added: int
    opted_out: int
    first_id: int | None
    last_id: int | None
    cursor: int
    done: bool


@dataclass(frozen=True, slots=True)
class FilterTree:
    """The conditions of a mailing's filter as JSON, and the moment from which they count back."""

    conditions: str
    started_at: datetime


async def read_trees(pool: Pool, mailing_ids: Sequence[int]) -> dict[int, FilterTree]:
    """Reads the trees of conditions of those of these mailings that have one. They do not change once it runs."""
    rows = await pool.fetch(
        """
        SELECT id, conditions, coalesce(started_at, start_at) AS started_at FROM mailings
        WHERE id = ANY ($1::bigint[]) AND conditions IS NOT NULL
        """,
        mailing_ids,
    )
    return {row["id"]: FilterTree(row["conditions"], row["started_at"]) for row in rows}


# The parameters of a compiled filter come after those of the statement.
FIRST_OF_FILTER = 5


async def expand(
    pool: Pool, owner: UUID, mailing_ids: Sequence[int], size: int, compiled: CompiledFilter = ALL_CLIENTS
) -> list[ExpandedMailing]:
    """Adds a message for each matching client among the next `size` clients of each of these mailings.

    Messages, cursors and counters move in one statement, so that nobody waits for a planner that stands still between
    two. It leaves out mailings that are over, whose lease `owner` lost, and those that are just being edited. The
    message to a client on the stop list is cancelled from the first, so that the books say why nothing came.
    `compiled` is the tree of conditions that these mailings have.
    """
    matching = (
        "looked.alive"
        if compiled is ALL_CLIENTS
        else f"EXISTS (SELECT FROM clients c WHERE c.id = looked.client_id AND {compiled.sql}) AND looked.alive"
    )
    rows = await pool.fetch(
        f"""
        WITH asked AS (
            -- A chunk that is lost is repeated: cursor and messages are lost together.
            SELECT s.mailing_id, set_config('synchronous_commit', 'off', true)
            FROM unnest($2::bigint[]) AS s (mailing_id)
        ), leased AS MATERIALIZED (
            SELECT m.id, m.operator_codes, m.tags, m.unsent_of, m.file_id, m.request_id, w.expansion_cursor,
                w.upper_client_id
            FROM asked s
            JOIN mailings m ON m.id = s.mailing_id
            JOIN mailing_work w ON w.mailing_id = s.mailing_id
            WHERE m.status IN ('running', 'paused') AND w.owner = $1 AND NOT w.expansion_done
            FOR SHARE OF m SKIP LOCKED FOR NO KEY UPDATE OF w SKIP LOCKED
        ), looked AS MATERIALIZED (
            -- The next clients by id, matching or not; of a mailing with tags, only those that have one of them; of a
            -- mailing with a file, only those that are in it.
            SELECT l.id AS mailing_id, c.*
            FROM leased l
            CROSS JOIN LATERAL (
                SELECT * FROM (
                    (
                        SELECT id AS client_id, operator_code, deleted_at IS NULL AS alive,
                            suppression_id IS NOT NULL AS opted_out
                        FROM clients
                        WHERE l.file_id IS NULL AND cardinality(l.tags) = 0
                            AND id > l.expansion_cursor AND id <= l.upper_client_id
                        ORDER BY id LIMIT $3
                    ) UNION ALL (
                        SELECT tagged.* FROM (SELECT DISTINCT unnest(l.tags) AS tag) AS t
                        CROSS JOIN LATERAL (
                            SELECT id, operator_code, true, suppression_id IS NOT NULL FROM clients
                            -- Rows are compared whole, so that only the index on (tag, id) fits: for a tag that is
                            -- nobody's first, a plan for the average tag would walk all clients.
                            WHERE (tag, id) > (t.tag, l.expansion_cursor) AND (tag, id) <= (t.tag, l.upper_client_id)
                                AND deleted_at IS NULL
                            ORDER BY tag, id LIMIT $3
                        ) AS tagged
                        WHERE l.file_id IS NULL
                    ) UNION ALL (
                        -- The tag may be another than the first. Who has two is looked at twice, and added once.
                        SELECT tagged.* FROM (SELECT DISTINCT unnest(l.tags) AS tag) AS t
                        CROSS JOIN LATERAL (
                            SELECT k.client_id, c.operator_code, c.deleted_at IS NULL, c.suppression_id IS NOT NULL
                            FROM (
                                SELECT client_id FROM client_tags
                                WHERE tag = t.tag AND client_id > l.expansion_cursor AND client_id <= l.upper_client_id
                                ORDER BY client_id LIMIT $3
                            ) AS k JOIN clients c ON c.id = k.client_id
                        ) AS tagged
                        WHERE l.file_id IS NULL
                    ) UNION ALL (
                        SELECT r.client_id, c.operator_code, c.phone IS NOT NULL, c.suppression_id IS NOT NULL
                        FROM recipients r JOIN clients c ON c.id = r.client_id
                        WHERE r.file_id = l.file_id AND r.client_id > l.expansion_cursor
                        ORDER BY r.client_id LIMIT $3
                    )
                ) AS either
                ORDER BY client_id LIMIT $3
            ) AS c
        ), ends AS MATERIALIZED (
            -- Fewer than were asked for: there are no more up to the last client of the audience.
            SELECT l.id, l.request_id, coalesce(n.looked, 0) < $3 AS done,
                CASE WHEN coalesce(n.looked, 0) < $3 THEN l.upper_client_id ELSE n.last END AS cursor
            FROM leased l
            LEFT JOIN (SELECT mailing_id, count(*) AS looked, max(client_id) AS last FROM looked GROUP BY 1) AS n
                ON n.mailing_id = l.id
        ), added AS (
            INSERT INTO messages (mailing_id, client_id, status, reason, final_at)
            SELECT l.id, looked.client_id,
                CASE WHEN looked.opted_out THEN 'cancelled' ELSE 'pending' END::message_status,
                CASE WHEN looked.opted_out THEN $4::text END, CASE WHEN looked.opted_out THEN now() END
            FROM looked JOIN leased l ON l.id = looked.mailing_id
            WHERE {matching}
                AND (cardinality(l.operator_codes) = 0 OR looked.operator_code = ANY (l.operator_codes))
                AND (l.unsent_of IS NULL OR l.file_id IS NOT NULL OR EXISTS (
                    SELECT FROM messages x
                    WHERE x.client_id = looked.client_id AND x.mailing_id = l.unsent_of AND x.unsent_status IS NOT NULL
                ))
            ORDER BY l.id, looked.client_id
            -- A chunk that is repeated adds nothing twice.
            ON CONFLICT (client_id, mailing_id) DO NOTHING
            RETURNING id, mailing_id, status
        ), counted AS MATERIALIZED (
            SELECT e.*, count(a.id) AS added, count(a.id) FILTER (WHERE a.status = 'cancelled') AS opted_out,
                min(a.id) AS first_id, max(a.id) AS last_id
            FROM ends e LEFT JOIN added a ON a.mailing_id = e.id GROUP BY e.id, e.request_id, e.done, e.cursor
        ), moved AS (
            UPDATE mailing_work w SET expansion_cursor = c.cursor, expansion_done = c.done,
                last_message_id = greatest(w.last_message_id, c.last_id)
            FROM counted c WHERE w.mailing_id = c.id
        ), ordered AS MATERIALIZED (
            -- Counters are locked last, in the order of mailing ids.
            SELECT mailing_id FROM mailing_counts WHERE mailing_id IN (SELECT id FROM counted)
            ORDER BY mailing_id FOR NO KEY UPDATE
        ), tallied AS (
            UPDATE mailing_counts n
            SET total = n.total + c.added, pending = n.pending + c.added - c.opted_out,
                cancelled = n.cancelled + c.opted_out
            FROM ordered o JOIN counted c ON c.id = o.mailing_id WHERE n.mailing_id = o.mailing_id
            RETURNING n.mailing_id, n.total
        ), explained AS (
            -- After the counters, as settle() does.
            INSERT INTO reasons AS r (mailing_id, status, reason, count)
            SELECT c.id, 'cancelled', $4::text, c.opted_out FROM counted c JOIN tallied t ON t.mailing_id = c.id
            WHERE c.opted_out > 0 ORDER BY c.id
            ON CONFLICT (mailing_id, status, reason) DO UPDATE SET count = r.count + EXCLUDED.count
        ), recorded AS (
            INSERT INTO events (mailing_id, kind, request_id, detail)
            SELECT c.id, 'expanded', c.request_id, jsonb_build_object('total', t.total)
            FROM counted c JOIN tallied t ON t.mailing_id = c.id WHERE c.done
        )
        SELECT id AS mailing_id, added, opted_out, first_id, last_id, cursor, done FROM counted ORDER BY id
        """,  # noqa: S608 - a compiled filter has parameters for all values
        owner,
        mailing_ids,
        size,
        OPTED_OUT,
        *compiled.values,
    )
    return [ExpandedMailing(**row) for row in rows]
