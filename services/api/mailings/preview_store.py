"""Counts the audience of a mailing in one pass over the clients."""

from dataclasses import dataclass

import orjson

from services.api.clients.responses import Client
from services.api.clients.store import COLUMNS
from services.api.mailings.rules import MailingPlan
from shared.database import Pool

# There are at most a thousand operator codes, but any number of tags: only the largest are listed.
MAX_TAGS = 100
SAMPLE = 5


@dataclass(frozen=True, slots=True)
class AudienceCounts:
    recipients: int
    reachable: int
    by_operator_code: dict[str, int]
    by_tag: dict[str, int]
    sample: list[Client]


async def count_audience(pool: Pool, plan: MailingPlan) -> AudienceCounts:
    """Counts the clients that match a plan at this moment, the largest groups first.

    The grouping sets read the clients once, which takes 0.3 s for a million, and leave one row for each zone, code and
    tag. The window is therefore evaluated once for each zone, with the same function as in the claim.
    """
    (row,) = await pool.fetch(
        f"""
        -- One row for each zone (kind 3), operator code (kind 1) and tag (kind 2) of the audience.
        WITH counted AS MATERIALIZED (
            SELECT timezone, operator_code, tag, grouping(operator_code, tag) AS kind, count(*) AS count
            FROM clients
            WHERE deleted_at IS NULL
                AND (cardinality($1::text[]) = 0 OR operator_code = ANY ($1::text[]))
                AND (cardinality($2::text[]) = 0 OR tag = ANY ($2::text[]))
                AND ($9::bigint IS NULL OR EXISTS (
                    SELECT FROM messages m
                    WHERE m.client_id = clients.id AND m.mailing_id = $9 AND m.unsent_status IS NOT NULL
                ))
            GROUP BY GROUPING SETS ((timezone), (operator_code), (tag))
        -- Whether the window opens in a zone before the mailing ends.
        ), zones AS (
            SELECT count, window_opens_at($3, $4, timezone, $5) < $6 AS open FROM counted WHERE kind = 3
        )
        SELECT (SELECT coalesce(sum(count), 0)::bigint FROM zones) AS recipients,
            (SELECT coalesce(sum(count) FILTER (WHERE open), 0)::bigint FROM zones) AS reachable,
            (
                SELECT json_object_agg(operator_code, count ORDER BY count DESC, operator_code)
                FROM counted WHERE kind = 1
            ) AS by_operator_code,
            (
                SELECT json_object_agg(t.tag, t.count ORDER BY t.count DESC, t.tag)
                FROM (SELECT tag, count FROM counted WHERE kind = 2 ORDER BY count DESC, tag LIMIT $7) AS t
            ) AS by_tag,
            -- The first clients of the audience.
            (
                SELECT json_agg(s ORDER BY s.id)
                FROM (
                    SELECT {COLUMNS} FROM clients
                    WHERE deleted_at IS NULL
                        AND (cardinality($1::text[]) = 0 OR operator_code = ANY ($1::text[]))
                        AND (cardinality($2::text[]) = 0 OR tag = ANY ($2::text[]))
                        AND ($9::bigint IS NULL OR EXISTS (
                            SELECT FROM messages m
                            WHERE m.client_id = clients.id AND m.mailing_id = $9 AND m.unsent_status IS NOT NULL
                        ))
                    ORDER BY id LIMIT $8
                ) AS s
            ) AS sample
        """,  # noqa: S608 - the columns are constant
        plan.operator_codes,
        plan.tags,
        plan.window_from,
        plan.window_to,
        plan.start_at,
        plan.end_at,
        MAX_TAGS,
        SAMPLE,
        plan.unsent_of,
    )
    return AudienceCounts(
        recipients=row["recipients"],
        reachable=row["reachable"],
        by_operator_code=orjson.loads(row["by_operator_code"] or "{}"),
        by_tag=orjson.loads(row["by_tag"] or "{}"),
        sample=[Client.model_validate(client) for client in orjson.loads(row["sample"] or "[]")],
    )
