"""Every SQL statement of the dispatcher, one function each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson

from services.dispatcher.claims.claim import Claim, render_claims
from services.dispatcher.claims.heard_edits import HeardEdit
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A claim that is given back. The moment tells it from a later claim of the same number under the same name."""

    name: UUID
    message_id: int
    number: int
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What all dispatchers obey for one provider. The times are seconds from now, 0 where they have passed."""

    provider: str
    drained: bool
    held: float
    slowed: float
    recognised: str | None


@dataclass(frozen=True, slots=True)
class BeatAnswer:
    """What a beat brought: whether the process is known and not fenced, and the edits that it has not reported.

    `providers` is what all dispatchers obey, in the same snapshot: who reports an edit has obeyed what it is about.
    """

    known: bool
    edits: list[HeardEdit]
    providers: list[ProviderState] = field(default_factory=list)


class AskedJob(NamedTuple):
    """A job for which a claim is asked. `failures` and what follows are what a retry job knows and no table may yet."""

    message_id: int
    attempt: int
    redelivered: bool = False
    failures: int | None = None
    unsure: bool = False
    refused: Sequence[str] = ()


async def claim(
    pool: Pool,
    worker: UUID,
    jobs: Sequence[AskedJob],
    *,
    provider: str | None = None,
    once: bool = False,
    attributes: bool = False,
) -> list[Claim]:
    """Claims a batch of jobs, each message once, by the database's clock.

    `provider` gets all of them, where it is the only one of a file. `once`: a request of this claim must not be
    repeated when nobody knows what became of it. `attributes`: those of the client may be a part of the request.

    One statement judges and claims. It skips rows that somebody else has locked and never waits for them: a
    statement that waited would judge by the text and the deadline of before. A job that is put back is due at once:
    the planner, which locks the mailing while it judges, decides when the window opens. So a window edited meanwhile
    cannot be missed.
    """
    rows = await pool.fetch(
        """
        WITH job AS (
            SELECT * FROM unnest($2::bigint[], $3::int[], $4::bool[], $5::int[], $6::bool[], $7::text[])
                AS j (message_id, attempt, redelivered, known_failures, known_unsure, known_refused)
        ), held AS MATERIALIZED (
            -- Locked in id order, so that two claims cannot deadlock.
            SELECT * FROM flights WHERE message_id = ANY ($2::bigint[])
            ORDER BY message_id FOR UPDATE SKIP LOCKED
        ), fact AS MATERIALIZED (
            -- The live mailing and client: an edit acts on every message that is not claimed yet.
            SELECT j.message_id, j.attempt, j.redelivered, j.known_failures, h.message_id IS NOT NULL AS held,
                h.mailing_id, h.client_id, h.claimed_number, h.folded_number, h.failures, h.claimed_by, h.claimed_at,
                h.claimed_number > h.folded_number AS open,
                h.provider, h.claimed_once, h.unsure OR j.known_unsure AS unsure,
                CASE WHEN j.known_refused IS NULL THEN h.refused
                    ELSE h.refused || string_to_array(j.known_refused, ',') END AS refused,
                m.status AS mailing_status, m.text, m.personal, m.request_id, c.phone, c.suppression_id,
                -- The values of a file win.
                CASE WHEN m.personal AND m.file_id IS NOT NULL THEN c.attributes || coalesce((
                    SELECT r.given FROM recipients r WHERE r.file_id = m.file_id AND r.client_id = h.client_id
                ), '{}') ELSE c.attributes END AS attributes,
                c.operator_code, c.tag,
                clock_timestamp() AS moment,
                extract(epoch FROM m.end_at - clock_timestamp())::float8 AS seconds_left,
                extract(epoch FROM clock_timestamp() - greatest(h.released_at, h.due_at))::float8 AS waited,
                CASE WHEN m.window_from IS NULL OR c.phone IS NULL THEN now()
                    ELSE window_opens_at(m.window_days, m.window_from, m.window_to, c.timezone, now()) END AS opens_at
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
                    WHEN mailing_status NOT IN ('running', 'paused') OR phone IS NULL OR suppression_id IS NOT NULL
                        OR seconds_left < 1 THEN 'over'
                    -- damaged: nobody may ask for that number, since the one before was never claimed.
                    WHEN attempt > claimed_number + 1 THEN 'damaged'
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
                    -- lost: the same, where nothing may be repeated.
                    WHEN claim_is_stale(claimed_by, claimed_at) THEN CASE WHEN claimed_once THEN 'lost' ELSE 'send' END
                    -- busy: the claim is alive. The job comes back through the shortest retry queue.
                    ELSE 'busy'
                END AS verdict,
                -- A number is never used twice: a claim that takes a stale one over gets the next.
                claimed_number + 1 AS number
            FROM fact
        ), taken AS (
            UPDATE flights f
            SET claimed_number = j.number, claimed_by = $1, claimed_at = j.moment,
                provider = coalesce($8, f.provider), claimed_once = $9, unsure = j.unsure OR j.open
            FROM judged j WHERE f.message_id = j.message_id AND j.verdict = 'send'
        ), put_back AS (
            UPDATE flights f
            -- The planner releases it again under the number that this job asks for, even while a claim is open.
            SET released_at = NULL, due_at = clock_timestamp(), asked_number = j.attempt
            FROM judged j WHERE f.message_id = j.message_id AND j.verdict = 'put back'
        )
        SELECT message_id, verdict,
            coalesce(CASE WHEN verdict = 'lost' THEN claimed_number ELSE number END, 0) AS number,
            coalesce(mailing_id, 0) AS mailing_id, coalesce(client_id, 0) AS client_id,
            -- A job for the next number exists only after the earlier attempts failed, folded or not. A retry job
            -- knows how many of them spent budget.
            coalesce(CASE
                WHEN attempt <= claimed_number THEN failures
                WHEN known_failures IS NOT NULL THEN greatest(known_failures, failures)
                ELSE failures + claimed_number - folded_number
            END, 0) AS failures,
            -- Text and phone leave the database only for what is sent.
            CASE WHEN verdict = 'send' THEN text ELSE '' END AS text,
            CASE WHEN verdict = 'send' THEN phone ELSE '' END AS phone,
            CASE WHEN verdict = 'send' AND personal THEN attributes END AS attributes,
            CASE WHEN verdict = 'send' AND $10 THEN attributes END AS client_attributes,
            coalesce(seconds_left, 0) AS seconds_left, moment AS claimed_at, request_id,
            greatest(waited, 0) AS waited,
            coalesce(operator_code, '') AS operator_code, coalesce(tag, '') AS tag,
            provider, coalesce(unsure OR open, false) AS unsure, coalesce(refused, '{}') AS refused,
            verdict = 'put back' AND mailing_status <> 'paused' AS shut
        FROM judged
        """,
        worker,
        [job.message_id for job in jobs],
        [job.attempt for job in jobs],
        [job.redelivered for job in jobs],
        [job.failures for job in jobs],
        [job.unsure for job in jobs],
        [",".join(job.refused) or None for job in jobs],
        provider,
        once,
        attributes,
    )
    return render_claims(rows)


async def give_back(pool: Pool, claims: Sequence[GivenBack]) -> int:
    """Takes back claims whose requests did not begin, and returns how many there were.

    A claim that is not there any more is left alone, whoever claimed the message since: so this may be repeated.
    """
    value: int = await pool.fetchval(
        """
        WITH held AS MATERIALIZED (
            -- Locked in id order, so that nothing that locks many flights can deadlock with it.
            SELECT f.message_id FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[])
                AS g (name, message_id, number, claimed_at)
            JOIN flights f USING (message_id)
            WHERE f.claimed_by = g.name AND f.claimed_number = g.number AND f.claimed_at = g.claimed_at
            ORDER BY f.message_id FOR UPDATE OF f
        ), given_back AS (
            -- The attempt before may be open: that claim was stale, and is so again as soon as all is folded that was
            -- published before this one. Its silence (of 32 s, without a name) is not waited for a second time.
            UPDATE flights f
            SET claimed_number = g.number - 1, claimed_by = NULL, claimed_at = g.claimed_at - interval '32 s'
            FROM held JOIN unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[])
                AS g (name, message_id, number, claimed_at) USING (message_id)
            WHERE f.message_id = held.message_id
                AND f.claimed_by = g.name AND f.claimed_number = g.number AND f.claimed_at = g.claimed_at
            RETURNING f.message_id
        )
        SELECT count(*) FROM given_back
        """,
        [one.name for one in claims],
        [one.message_id for one in claims],
        [one.number for one in claims],
        [one.claimed_at for one in claims],
    )
    return value


async def add_process(connection: Connection, process: UUID, *, instead_of: UUID | None = None) -> None:
    """Adds the row of a process, in place of the one under its id before, and deletes those of long dead ones."""
    await connection.execute(
        """
        WITH gone AS (
            DELETE FROM processes WHERE id = $2 OR beat_at < clock_timestamp() - interval '1 day'
        )
        INSERT INTO processes (id) VALUES ($1) ON CONFLICT DO NOTHING
        """,
        process,
        instead_of,
    )


async def remove_process(pool: Pool, process: UUID) -> None:
    await pool.execute("DELETE FROM processes WHERE id = $1", process)


async def beat(
    connection: Connection,
    process: UUID,
    heard: Sequence[int],
    names: Sequence[UUID],
    *,
    sending: bool,
    stale_after: timedelta,
    seconds: float,
) -> BeatAnswer:
    """Keeps the lease of a process and its names alive, reports the edits that it has heard, and returns new ones.

    One statement, so that the names beat whenever the process does. A fenced process keeps its names alive, too: its
    requests that have begun are not to be repeated. The claims of a name are stale when it has been silent for
    `stale_after`. New edits are those of the last 10 s that are not in `heard`; ids would not do, since they commit
    out of order.
    """
    row = await connection.fetchrow(
        """
        WITH process AS (
            UPDATE processes SET beat_at = clock_timestamp(), heard = $2
            WHERE id = $1 AND fenced_at IS NULL RETURNING id
        ), beats AS (
            INSERT INTO workers AS w (id, beat_at, sending, stale_after)
            SELECT id, clock_timestamp(), $4, $5 FROM unnest($3::uuid[]) AS id
            ON CONFLICT (id) DO UPDATE
            SET beat_at = clock_timestamp(), sending = EXCLUDED.sending, stale_after = EXCLUDED.stale_after
        )
        SELECT EXISTS (SELECT FROM process) AS known, (
            SELECT json_agg(json_build_object('id', id, 'mailing_id', mailing_id, 'client_ids', client_ids))::text
            FROM edits WHERE edited_at > clock_timestamp() - interval '10 s' AND id <> ALL ($2::bigint[])
        ) AS edits, (
            SELECT json_agg(json_build_object(
                'provider', provider, 'drained', drained_at IS NOT NULL, 'recognised', recognised,
                'held', greatest(coalesce(extract(epoch FROM held_until - clock_timestamp()), 0), 0),
                'slowed', greatest(coalesce(extract(epoch FROM slowed_until - clock_timestamp()), 0), 0)
            ))::text FROM provider_states
        ) AS providers
        """,
        process,
        heard,
        names,
        sending,
        stale_after,
        timeout=seconds,
    )
    if row is None:
        raise LookupError("a SELECT without FROM returns one row")
    return BeatAnswer(
        row["known"],
        [HeardEdit(**edit) for edit in orjson.loads(row["edits"] or b"[]")],
        [ProviderState(**state) for state in orjson.loads(row["providers"] or b"[]")],
    )


async def count_queued_retries(pool: Pool) -> int:
    """Counts the flights that wait in the retry queues."""
    value: int = await pool.fetchval("SELECT count(*) FROM flights WHERE released_at IS NOT NULL AND due_at > now()")
    return value
