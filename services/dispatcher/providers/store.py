"""The SQL statements about providers: what all dispatchers obey, what each of them says, and choices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.dispatcher.claims.store import GivenBack
from shared.database import Pool


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What this process says of one provider: `per_second` and `failing` are of the last seconds."""

    provider: str
    breaker: str
    reason: str | None
    in_flight: int
    per_second: float
    failing: float
    test_mode: bool


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """The provider that a claimed message goes to. `once`: its request is not to be repeated."""

    message_id: int
    number: int
    provider: str
    once: bool


async def read_installation(pool: Pool) -> str:
    """Returns the id of this database. A copy of another one, which lies elsewhere, gets an id of its own."""
    place = await _read_place(pool)
    value: UUID = await pool.fetchval(
        """
        INSERT INTO installation AS i (place) VALUES ($1)
        ON CONFLICT (only_one) DO UPDATE
            SET id = CASE WHEN i.place = EXCLUDED.place THEN i.id ELSE gen_random_uuid() END, place = EXCLUDED.place
        RETURNING id
        """,
        place,
    )
    return value.hex[:12]


async def _read_place(pool: Pool) -> str:
    """Names the database by its cluster, where that may be read, and its number there."""
    number = await pool.fetchval("SELECT oid::text FROM pg_database WHERE datname = current_database()")
    try:
        cluster = await pool.fetchval("SELECT system_identifier::text FROM pg_control_system()")
    except asyncpg.InsufficientPrivilegeError:
        cluster = "unknown"
    return f"{cluster}/{number}"


async def hold(pool: Pool, provider: str, held: timedelta | None, slowed: timedelta | None) -> None:
    """Has all dispatchers hold or slow a provider, at least for so long."""
    await pool.execute(
        """
        INSERT INTO provider_states AS s (provider, held_until, slowed_until)
        VALUES ($1, clock_timestamp() + $2, clock_timestamp() + $3)
        ON CONFLICT (provider) DO UPDATE
            SET held_until = greatest(s.held_until, EXCLUDED.held_until),
                slowed_until = greatest(s.slowed_until, EXCLUDED.slowed_until)
        """,
        provider,
        held,
        slowed,
    )


async def recognise(pool: Pool, provider: str, fingerprint: str) -> None:
    """Notes that a reply of this mapping was understood: its trial is over for all dispatchers."""
    await pool.execute(
        """
        INSERT INTO provider_states (provider, recognised) VALUES ($1, $2)
        ON CONFLICT (provider) DO UPDATE SET recognised = EXCLUDED.recognised
        """,
        provider,
        fingerprint,
    )


async def take_trial(pool: Pool, provider: str, process: UUID, lasts: timedelta) -> bool:
    """Takes or keeps the right to have the one request of a trial in flight. False while another process has it."""
    found = await pool.fetchval(
        """
        INSERT INTO provider_states AS s (provider, trial_by, trial_until) VALUES ($1, $2, clock_timestamp() + $3)
        ON CONFLICT (provider) DO UPDATE SET trial_by = EXCLUDED.trial_by, trial_until = EXCLUDED.trial_until
            WHERE s.trial_by = EXCLUDED.trial_by OR s.trial_until < clock_timestamp()
        RETURNING true
        """,
        provider,
        process,
        lasts,
    )
    return bool(found)


async def report(pool: Pool, process: UUID, reports: Sequence[ProviderReport]) -> None:
    """Renews what this process says of its providers, and deletes what processes said that are gone."""
    await pool.execute(
        """
        WITH gone AS (
            DELETE FROM provider_reports
            WHERE reported_at < clock_timestamp() - interval '1 min' OR (process = $1 AND provider <> ALL ($2::text[]))
        )
        INSERT INTO provider_reports AS r
            (process, provider, breaker, reason, in_flight, per_second, failing, test_mode, broken_since)
        SELECT $1, n.*, CASE WHEN n.breaker <> 'closed' THEN clock_timestamp() END FROM unnest(
            $2::text[], $3::text[], $4::text[], $5::int[], $6::real[], $7::real[], $8::bool[]
        ) AS n (provider, breaker, reason, in_flight, per_second, failing, test_mode)
        ON CONFLICT (process, provider) DO UPDATE
        SET reported_at = clock_timestamp(),
            broken_since = CASE WHEN EXCLUDED.breaker <> 'closed' THEN coalesce(r.broken_since, clock_timestamp()) END,
            breaker = EXCLUDED.breaker, reason = EXCLUDED.reason,
            in_flight = EXCLUDED.in_flight, per_second = EXCLUDED.per_second, failing = EXCLUDED.failing,
            test_mode = EXCLUDED.test_mode
        """,
        process,
        [one.provider for one in reports],
        [one.breaker for one in reports],
        [one.reason for one in reports],
        [one.in_flight for one in reports],
        [one.per_second for one in reports],
        [one.failing for one in reports],
        [one.test_mode for one in reports],
    )


async def record_choices(pool: Pool, worker: UUID, choices: Sequence[ProviderChoice]) -> None:
    """Writes to which provider each claimed message goes, before any of their requests begins."""
    await pool.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT f.message_id FROM flights f
            WHERE f.message_id = ANY ($2::bigint[]) AND f.claimed_by = $1 ORDER BY f.message_id FOR UPDATE
        )
        UPDATE flights f SET provider = v.provider, claimed_once = v.once
        FROM held JOIN unnest($2::bigint[], $3::int[], $4::text[], $5::bool[])
            AS v (message_id, number, provider, once) USING (message_id)
        WHERE f.message_id = held.message_id AND f.claimed_number = v.number
        """,
        worker,
        [one.message_id for one in choices],
        [one.number for one in choices],
        [one.provider for one in choices],
        [one.once for one in choices],
    )


async def postpone(
    pool: Pool, claims: Sequence[GivenBack], asked_numbers: Sequence[int], seconds: Sequence[float]
) -> None:
    """Gives claims back whose provider is away: they wait in the table for so many seconds, on no queue.

    As with a give-back, a claim that is not there any more is left alone.
    """
    await pool.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT f.message_id FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[])
                AS g (name, message_id, number, claimed_at)
            JOIN flights f USING (message_id)
            WHERE f.claimed_by = g.name AND f.claimed_number = g.number AND f.claimed_at = g.claimed_at
            ORDER BY f.message_id FOR UPDATE OF f
        )
        UPDATE flights f
        SET claimed_number = g.number - 1, claimed_by = NULL, claimed_at = g.claimed_at - interval '32 s',
            released_at = NULL, asked_number = g.asked, due_at = clock_timestamp() + g.seconds * interval '1 s'
        FROM held JOIN unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[], $5::int[], $6::float8[])
            AS g (name, message_id, number, claimed_at, asked, seconds) USING (message_id)
        WHERE f.message_id = held.message_id AND f.claimed_number = g.number AND f.claimed_by = g.name
        """,
        [one.name for one in claims],
        [one.message_id for one in claims],
        [one.number for one in claims],
        [one.claimed_at for one in claims],
        list(asked_numbers),
        list(seconds),
    )
