"""Every SQL statement of the dispatcher, one function each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.database import Pool

ClaimVerdict = Literal["send", "locked", "busy", "put back", "over"]


@dataclass(frozen=True, slots=True)
class Claim:
    """The verdict on one job. The fields after `number` have a meaning for "send" only.

    `failures` counts also those of attempts whose results are not folded yet. `claimed_at` is the database's time;
    `seconds_left` until the mailing's end from then; `waited` are the seconds since the job was released and due.
    """

    message_id: int
    verdict: ClaimVerdict
    number: int
    failures: int
    text: str
    phone: str
    seconds_left: float
    claimed_at: datetime
    request_id: str | None
    waited: float


async def claim(pool: Pool, worker: UUID, jobs: Sequence[tuple[int, int, bool]]) -> list[Claim]:
    """Claims a batch of jobs (message id, attempt, redelivered), each message once, by the database's clock.

    One statement judges and claims. It skips rows that somebody else has locked and never waits for them: a
    statement that waited would judge by the text and the deadline of before. A job that is put back is due at once:
    the planner, which locks the mailing while it judges, decides when the window opens. So a window edited meanwhile
    cannot be missed.
    """
    rows = await pool.fetch(
        """
        WITH job AS (
            SELECT * FROM unnest($2::bigint[], $3::int[], $4::bool[]) AS j (message_id, attempt, redelivered)
        ), held AS MATERIALIZED (
            -- Locked in id order, so that two claims cannot deadlock.
            SELECT * FROM flights WHERE message_id = ANY ($2::bigint[])
            ORDER BY message_id FOR UPDATE SKIP LOCKED
        ), fact AS MATERIALIZED (
            -- The live mailing and client: an edit acts on every message that is not claimed yet.
            SELECT j.message_id, j.attempt, j.redelivered, h.message_id IS NOT NULL AS held,
                h.claimed_number, h.folded_number, h.failures, h.claimed_by, h.claimed_at,
                h.claimed_number > h.folded_number AS open,
                m.status AS mailing_status, m.text, m.request_id, c.phone,
                extract(epoch FROM m.end_at - clock_timestamp())::float8 AS seconds_left,
                extract(epoch FROM clock_timestamp() - greatest(h.released_at, h.due_at))::float8 AS waited,
                CASE WHEN m.window_from IS NULL OR c.phone IS NULL THEN now()
                    ELSE window_opens_at(m.window_from, m.window_to, c.timezone, now()) END AS opens_at
            FROM job j
            LEFT JOIN held h USING (message_id)
            LEFT JOIN mailings m ON m.id = h.mailing_id
            LEFT JOIN clients c ON c.id = h.client_id
        ), judged AS MATERIALIZED (
            SELECT fact.*,
                CASE
                    -- locked: somebody else works on the flight just now. over: it has none, so the message is final.
                    WHEN NOT held THEN CASE
                        WHEN EXISTS (SELECT 1 FROM flights f WHERE f.message_id = fact.message_id) THEN 'locked'
                        ELSE 'over' END
                    -- over: nothing may be sent any more. The planner settles such a message.
                    WHEN mailing_status NOT IN ('running', 'paused') OR phone IS NULL OR seconds_left < 1 THEN 'over'
                    -- The job asks for an attempt that was never claimed.
                    WHEN attempt > claimed_number THEN CASE
                        -- put back: it may not be sent now, but later. It waits in the table.
                        WHEN mailing_status = 'paused' OR opens_at > now() THEN 'put back'
                        -- send: it is claimed below.
                        ELSE 'send' END
                    -- over: a doubled job whose attempt has its result already.
                    WHEN NOT open THEN 'over'
                    -- busy: a redelivered job may belong to a request that still runs, behind a lost connection; and
                    -- no claim is taken over while nothing may be sent.
                    WHEN redelivered OR mailing_status = 'paused' OR opens_at > now() THEN 'busy'
                    -- send: the process that claimed the attempt is gone, and its result would have been folded.
                    WHEN claim_is_stale(claimed_by, claimed_at) THEN 'send'
                    -- busy: the claim is alive. The job comes back through the shortest retry queue.
                    ELSE 'busy'
                END AS verdict,
                -- A number is never used twice: a claim that takes a stale one over gets the next.
                claimed_number + 1 AS number
            FROM fact
        ), taken AS (
            UPDATE flights f
            SET claimed_number = j.number, claimed_by = $1, claimed_at = clock_timestamp()
            FROM judged j WHERE f.message_id = j.message_id AND j.verdict = 'send'
        ), put_back AS (
            UPDATE flights f
            SET released_at = NULL, due_at = clock_timestamp()
            FROM judged j WHERE f.message_id = j.message_id AND j.verdict = 'put back'
        )
        SELECT message_id, verdict, coalesce(number, 0) AS number,
            -- A job for the next number exists only after the earlier attempts failed, folded or not.
            coalesce(failures + CASE WHEN attempt > claimed_number THEN claimed_number - folded_number ELSE 0 END, 0)
                AS failures,
            -- Text and phone leave the database only for what is sent.
            CASE WHEN verdict = 'send' THEN text ELSE '' END AS text,
            CASE WHEN verdict = 'send' THEN phone ELSE '' END AS phone,
            coalesce(seconds_left, 0) AS seconds_left, clock_timestamp() AS claimed_at, request_id,
            greatest(waited, 0) AS waited
        FROM judged
        """,
        worker,
        [message_id for message_id, _, _ in jobs],
        [attempt for _, attempt, _ in jobs],
        [redelivered for _, _, redelivered in jobs],
    )
    return [Claim(**row) for row in rows]


async def unclaim(pool: Pool, worker: UUID, message_id: int, number: int) -> None:
    """Takes back a claim whose request did not begin, unless somebody else has taken it over."""
    await pool.execute(
        """
        -- The attempt before may be open: that claim was stale, and is so again as soon as all is folded that was
        -- published before this one. Its silence (of 32 s, without a name) is not waited for a second time.
        UPDATE flights SET claimed_number = $3 - 1, claimed_by = NULL, claimed_at = claimed_at - interval '32 s'
        WHERE message_id = $2 AND claimed_by = $1 AND claimed_number = $3
        """,
        worker,
        message_id,
        number,
    )


async def beat(pool: Pool, workers: Sequence[UUID], sending: bool, stale_after: timedelta) -> int:
    """Marks these worker names as alive, and returns how many flights wait in the retry queues.

    The claims of a name are stale when it has been silent for `stale_after`.
    """
    value: int = await pool.fetchval(
        """
        WITH beats AS (
            INSERT INTO workers AS w (id, beat_at, sending, stale_after)
            SELECT id, clock_timestamp(), $2, $3 FROM unnest($1::uuid[]) AS id
            ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp(), sending = EXCLUDED.sending
        )
        SELECT count(*) FROM flights WHERE released_at IS NOT NULL AND due_at > now()
        """,
        workers,
        sending,
        stale_after,
    )
    return value
