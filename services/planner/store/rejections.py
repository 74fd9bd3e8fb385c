"""Mailings of which too many messages were rejected: counted since they were last paused for it."""

from dataclasses import dataclass

from shared.database import Pool


@dataclass(frozen=True, slots=True)
class PausedMailing:
    """A mailing that was paused, how many of its messages were rejected, and the reason that its history has."""

    mailing_id: int
    request_id: str | None
    rejected: int
    reason: str


async def pause_above(pool: Pool, share: float, least: int) -> list[PausedMailing]:
    """Pauses running mailings of whose judged messages at least `share`, and `least` in number, were rejected.

    Judged are those that were sent, rejected or exhausted. Its event holds the counts, from which the next judgement
    starts: somebody who resumes the mailing has seen these.
    """
    rows = await pool.fetch(
        """
        WITH counted AS (
            SELECT m.id, c.rejected, c.sent + c.rejected + c.exhausted AS judged,
                coalesce((p.detail ->> 'rejected')::bigint, 0) AS seen_rejected,
                coalesce((p.detail ->> 'judged')::bigint, 0) AS seen_judged
            FROM mailings m
            JOIN mailing_counts c ON c.mailing_id = m.id
            LEFT JOIN LATERAL (
                SELECT detail FROM events
                WHERE mailing_id = m.id AND kind = 'paused' AND detail ? 'judged' ORDER BY id DESC LIMIT 1
            ) AS p ON true
            WHERE m.finished_at IS NULL AND m.status = 'running' AND c.rejected >= $2
        ), above AS (
            SELECT *, rejected - seen_rejected AS more, judged - seen_judged AS of FROM counted
            WHERE rejected - seen_rejected >= $2 AND rejected - seen_rejected >= $1::float8 * (judged - seen_judged)
        ), paused AS (
            UPDATE mailings m SET status = 'paused', updated_at = now()
            FROM above a WHERE m.id = a.id AND m.status = 'running' AND m.finished_at IS NULL
            RETURNING m.id, m.request_id, a.rejected, a.judged,
                format('%s of %s messages rejected', a.more, a.of) AS reason
        ), recorded AS (
            INSERT INTO events (mailing_id, kind, detail)
            SELECT id, 'paused', jsonb_build_object(
                'by', 'herald', 'reason', reason, 'rejected', rejected, 'judged', judged)
            FROM paused
        )
        SELECT id AS mailing_id, request_id, rejected, reason FROM paused ORDER BY id
        """,
        share,
        least,
    )
    return [PausedMailing(**row) for row in rows]
