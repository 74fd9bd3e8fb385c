"""Counts the audience of a mailing: everybody by the counts that are kept, others in one pass over the clients."""

from dataclasses import dataclass

import orjson

from services.api.clients.responses import Client
from services.api.clients.store import COLUMNS
from services.api.mailings.audience.selection import Audience
from services.api.mailings.responses import UnreachableZone
from services.api.mailings.rules import MailingPlan
from shared.database import Pool

# There are at most a thousand operator codes, but any number of tags: only the largest are listed.
MAX_TAGS = 100
MAX_ZONES = 100
SAMPLE = 5

# What triggers count whenever clients are written: exact in every snapshot, and read without the clients.
_KEPT = """counted (kind, value, opted_out, count) AS MATERIALIZED (
            SELECT kind, value, opted_out, sum(clients)::bigint FROM client_counts
            GROUP BY kind, value, opted_out HAVING sum(clients) <> 0
        )"""


@dataclass(frozen=True, slots=True)
class AudienceCounts:
    recipients: int
    opted_out: int
    reachable: int
    by_operator_code: dict[str, int]
    by_tag: dict[str, int]
    never_reachable: list[UnreachableZone]
    sample: list[Client]


async def count_audience(pool: Pool, plan: MailingPlan, audience: Audience) -> AudienceCounts:
    """Counts the clients that match a plan at this moment, the largest groups first.

    It is one statement, so that the sample and all counts are of one moment. Only the source of the counts differs.
    Either way there is one row for each zone, code and tag, so the window is evaluated once for each zone, with the
    same function as in the claim.
    """
    condition, values = audience.condition()
    first = len(values) + 1
    days, opens, closes, start, end, tags, zones, sample = (f"${first + place}" for place in range(8))
    counted = _KEPT if audience.is_everybody else _counted(audience, condition)
    (row,) = await pool.fetch(
        f"""
        -- One row for each zone, operator code and tag, and whether on the stop list. A tag may have several.
        WITH {counted}
        -- Whether the window opens in a zone before the mailing ends.
        , zones AS MATERIALIZED (
            SELECT value AS timezone, count,
                window_opens_at({days}::smallint, {opens}::time, {closes}::time, value, {start}::timestamptz)
                    < {end}::timestamptz AS open
            FROM counted WHERE kind = 'timezone' AND NOT opted_out
        ), tagged AS (
            SELECT value AS tag, sum(count)::bigint AS count
            FROM counted WHERE kind = 'tag' AND NOT opted_out GROUP BY value
        )
        SELECT (SELECT coalesce(sum(count), 0)::bigint FROM zones) AS recipients,
            (
                SELECT coalesce(sum(count), 0)::bigint FROM counted WHERE kind = 'timezone' AND opted_out
            ) AS opted_out,
            (SELECT coalesce(sum(count) FILTER (WHERE open), 0)::bigint FROM zones) AS reachable,
            (
                SELECT json_object_agg(value, count ORDER BY count DESC, value)
                FROM counted WHERE kind = 'operator_code' AND NOT opted_out
            ) AS by_operator_code,
            (
                SELECT json_object_agg(t.tag, t.count ORDER BY t.count DESC, t.tag)
                FROM (SELECT tag, count FROM tagged ORDER BY count DESC, tag LIMIT {tags}) AS t
            ) AS by_tag,
            (
                SELECT json_agg(z ORDER BY z.recipients DESC, z.timezone)
                FROM (
                    SELECT timezone, count AS recipients FROM zones WHERE NOT open
                    ORDER BY count DESC, timezone LIMIT {zones}
                ) AS z
            ) AS never_reachable,
            -- The first of the audience, in that order.
            (
                SELECT json_agg(s)
                FROM (
                    SELECT {COLUMNS} FROM {audience.table} WHERE {condition} AND c.suppression_id IS NULL
                    ORDER BY {audience.order} LIMIT {sample}
                ) AS s
            ) AS sample
        """,  # noqa: S608 - the condition has parameters for all values
        *values,
        plan.window_days,
        plan.window_from,
        plan.window_to,
        plan.start_at,
        plan.end_at,
        MAX_TAGS,
        MAX_ZONES,
        SAMPLE,
    )
    return AudienceCounts(
        recipients=row["recipients"],
        opted_out=row["opted_out"],
        reachable=row["reachable"],
        by_operator_code=orjson.loads(row["by_operator_code"] or "{}"),
        by_tag=orjson.loads(row["by_tag"] or "{}"),
        never_reachable=[UnreachableZone(**zone) for zone in orjson.loads(row["never_reachable"] or "[]")],
        sample=[Client.model_validate(client) for client in orjson.loads(row["sample"] or "[]")],
    )


def _counted(audience: Audience, condition: str) -> str:
    """Returns the definition of `counted` for a part of the clients, or a file.

    The grouping sets read them once, which takes 0.3 s for a million, and leave one row for each zone, code, tag and
    list of further tags.
    """
    return f"""grouped AS MATERIALIZED (
            SELECT c.timezone, c.operator_code, c.tag, c.further_tags, c.suppression_id IS NOT NULL AS opted_out,
                grouping(c.timezone, c.operator_code, c.tag, c.further_tags) AS kind, count(*) AS count
            FROM {audience.table}
            WHERE {condition}
            GROUP BY GROUPING SETS (
                (c.suppression_id IS NOT NULL, c.timezone), (c.suppression_id IS NOT NULL, c.operator_code),
                (c.suppression_id IS NOT NULL, c.tag), (c.suppression_id IS NOT NULL, c.further_tags)
            )
        ), counted (kind, value, opted_out, count) AS MATERIALIZED (
            SELECT 'timezone', timezone, opted_out, count FROM grouped WHERE kind = 7
            UNION ALL SELECT 'operator_code', operator_code, opted_out, count FROM grouped WHERE kind = 11
            UNION ALL SELECT 'tag', tag, opted_out, count FROM grouped WHERE kind = 13
            UNION ALL SELECT 'tag', unnest(further_tags), opted_out, count FROM grouped WHERE kind = 14
        )"""  # noqa: S608 - the condition has parameters for all values
