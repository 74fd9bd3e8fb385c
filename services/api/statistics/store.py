"""Reads statistics from the counters that are folded together with the messages, never from the messages."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from services.api.mailings.responses import ByStatus
from services.api.mailings.store import by_status
from services.api.statistics.delivery_responses import DeliveryCounts
from services.api.statistics.responses import (
    MailingSummary,
    MailingTotals,
    MessageTotals,
    Minute,
    ProviderAttempts,
    Reason,
    Totals,
)
from shared.database import Pool
from shared.statuses import MailingStatus

# A week of minutes bounds the answer; only minutes in which something became final have a row.
MAX_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one mailing at the moment `now`."""

    now: datetime
    status: MailingStatus
    expanding: bool
    started_at: datetime | None
    finished_at: datetime | None
    total: int
    by_status: ByStatus
    outcomes: dict[str, int]
    providers: list[ProviderAttempts]
    reasons: list[Reason]
    delivery: DeliveryCounts | None
    minutes: list[Minute]


async def totals(pool: Pool) -> Totals:
    """Counts the mailings that are not deleted, and all messages. Test-sends are neither."""
    (row,) = await pool.fetch(
        """
        SELECT m.total AS mailings, m.draft, m.scheduled, m.running, m.paused, m.finished,
            m.cancelled AS cancelled_mailings,
            c.total, c.pending, c.retrying, c.sent, c.rejected, c.exhausted, c.expired, c.cancelled
        FROM (
            -- Mailings by state, without the deleted ones.
            SELECT count(*) AS total,
                count(*) FILTER (WHERE status = 'draft') AS draft,
                count(*) FILTER (WHERE status = 'scheduled') AS scheduled,
                count(*) FILTER (WHERE status = 'running') AS running,
                count(*) FILTER (WHERE status = 'paused') AS paused,
                count(*) FILTER (WHERE status = 'finished') AS finished,
                count(*) FILTER (WHERE status = 'cancelled') AS cancelled
            FROM mailings WHERE deleted_at IS NULL AND NOT test
        ) AS m, (
            -- Messages by status, with those of deleted mailings, and without test-sends.
            SELECT coalesce(sum(total), 0)::bigint AS total,
                coalesce(sum(pending), 0)::bigint AS pending, coalesce(sum(retrying), 0)::bigint AS retrying,
                coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(rejected), 0)::bigint AS rejected,
                coalesce(sum(exhausted), 0)::bigint AS exhausted, coalesce(sum(expired), 0)::bigint AS expired,
                coalesce(sum(cancelled), 0)::bigint AS cancelled
            FROM mailing_counts WHERE mailing_id NOT IN (SELECT id FROM mailings WHERE test)
        ) AS c
        """
    )
    mailings = {**row, "total": row["mailings"], "cancelled": row["cancelled_mailings"]}
    return Totals(
        mailings=MailingTotals.model_validate(mailings),
        messages=MessageTotals.model_validate(dict(row)),
    )


async def page(pool: Pool, *, before: int, limit: int) -> list[MailingSummary]:
    """Lists the counters of mailings, the newest first."""
    rows = await pool.fetch(
        """
        SELECT m.id AS mailing_id, m.status, m.start_at, m.end_at,
            c.total, c.pending, c.retrying, c.sent, c.rejected, c.exhausted, c.expired, c.cancelled
        FROM mailings m JOIN mailing_counts c ON c.mailing_id = m.id
        WHERE m.deleted_at IS NULL AND NOT m.test AND m.id < $1
        ORDER BY m.id DESC LIMIT $2
        """,
        before,
        limit,
    )
    return [MailingSummary.model_validate({**row, "by_status": by_status(row)}) for row in rows]


async def figures(pool: Pool, mailing_id: int) -> Figures | None:
    """Reads all figures of one mailing in one snapshot, so that they agree with each other."""
    row = await pool.fetchrow(
        """
        SELECT now() AS now, m.status, m.started_at, m.finished_at,
            m.status IN ('running', 'paused') AND NOT w.expansion_done AS expanding,
            c.total, c.pending, c.retrying, c.sent, c.rejected, c.exhausted, c.expired, c.cancelled,
            -- Attempts by outcome.
            (
                SELECT json_object_agg(o.outcome, o.count ORDER BY o.outcome) FROM outcomes o
                WHERE o.mailing_id = m.id AND o.count > 0
            ) AS outcomes,
            -- The same by provider.
            (
                SELECT json_agg(json_build_object('provider', p.provider, 'by_outcome', p.by_outcome, 'cost', p.cost)
                    ORDER BY p.provider)
                FROM (
                    SELECT provider, json_object_agg(o.outcome, o.count ORDER BY o.outcome) AS by_outcome,
                        sum(cost) AS cost
                    FROM provider_outcomes o WHERE o.mailing_id = m.id GROUP BY provider
                ) AS p
            ) AS providers,
            -- Messages by status and reason, the most frequent reasons first.
            (
                SELECT json_agg(
                    json_build_object('status', r.status, 'reason', r.reason, 'count', r.count)
                    ORDER BY r.count DESC, r.status, r.reason
                )
                FROM reasons r WHERE r.mailing_id = m.id AND r.count > 0
            ) AS reasons,
            -- Sent messages by what receipts say.
            (
                SELECT json_build_object(
                    'delivered', coalesce(sum(d.count) FILTER (WHERE d.delivery = 'delivered'), 0),
                    'undelivered', coalesce(sum(d.count) FILTER (WHERE d.delivery = 'undelivered'), 0),
                    'waiting', coalesce(sum(d.count) FILTER (WHERE d.delivery = 'waiting'), 0)
                )
                FROM delivery_counts d WHERE d.mailing_id = m.id HAVING count(*) > 0
            ) AS delivery,
            -- The latest minutes, in time order.
            (
                SELECT json_agg(json_build_object('at', t.at, 'sent', t.sent, 'failed', t.failed) ORDER BY t.at)
                FROM (SELECT * FROM minutes WHERE mailing_id = m.id ORDER BY at DESC LIMIT $2) AS t
            ) AS minutes
        FROM mailings m
        JOIN mailing_work w ON w.mailing_id = m.id
        JOIN mailing_counts c ON c.mailing_id = m.id
        WHERE m.id = $1 AND m.deleted_at IS NULL AND NOT m.test
        """,
        mailing_id,
        MAX_MINUTES,
    )
    if row is None:
        return None
    return Figures(
        now=row["now"],
        status=row["status"],
        expanding=row["expanding"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        total=row["total"],
        by_status=by_status(row),
        outcomes=orjson.loads(row["outcomes"] or "{}"),
        providers=[ProviderAttempts.model_validate(one) for one in orjson.loads(row["providers"] or "[]")],
        reasons=[Reason.model_validate(reason) for reason in orjson.loads(row["reasons"] or "[]")],
        delivery=None if row["delivery"] is None else DeliveryCounts.model_validate_json(row["delivery"]),
        minutes=[Minute.model_validate(minute) for minute in orjson.loads(row["minutes"] or "[]")],
    )
