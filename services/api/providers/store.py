"""Reads what dispatchers say of providers, and drains and resumes them."""

import asyncpg

from services.api.providers.responses import ProviderHealth, ProviderShown
from shared.database import Connection, Pool
from shared.edits import PROVIDERS_CHANNEL

# A dispatcher renews its report every few seconds.
FRESH = "interval '20 s'"
# It beats every second.
BEATING = "interval '5 s'"
_WORST: tuple[ProviderHealth, ...] = ("open", "half-open", "closed")


async def list_all(pool: Connection | Pool) -> list[ProviderShown]:
    """Lists all providers that a running dispatcher knows, or that are drained."""
    rows = await pool.fetch(
        f"""
        SELECT coalesce(r.provider, s.provider) AS name, s.drained_at,
            CASE WHEN s.held_until > now() THEN s.held_until END AS held_until,
            coalesce(r.breakers, '{{}}') AS breakers, r.reason, r.broken_since,
            coalesce(r.dispatchers, 0) AS dispatchers, coalesce(r.in_flight, 0) AS in_flight,
            coalesce(r.per_second, 0)::float8 AS per_second,
            coalesce(r.failing, 0)::float8 AS failing, coalesce(r.test_mode, false) AS test_mode
        FROM (
            SELECT provider, array_agg(DISTINCT breaker) AS breakers, max(reason) AS reason, count(*) AS dispatchers,
                min(broken_since) AS broken_since, sum(in_flight) AS in_flight, sum(per_second) AS per_second,
                bool_or(test_mode) AS test_mode,
                -- By how much each dispatcher sends.
                sum(failing * per_second) / nullif(sum(per_second), 0) AS failing
            FROM provider_reports WHERE reported_at > clock_timestamp() - {FRESH} GROUP BY provider
        ) AS r
        FULL JOIN (
            SELECT * FROM provider_states WHERE drained_at IS NOT NULL OR held_until > now()
        ) AS s USING (provider)
        ORDER BY 1
        """  # noqa: S608 - a constant
    )
    return [ProviderShown.model_validate({**row, "state": _state(row)}) for row in rows]


def _state(row: asyncpg.Record) -> ProviderHealth:
    if row["drained_at"] is not None:
        return "drained"
    if row["held_until"] is not None:
        return "held"
    return next((state for state in _WORST if state in row["breakers"]), "unused")


def unused(name: str) -> ProviderShown:
    """Returns a provider that no running dispatcher knows."""
    return ProviderShown(
        name=name,
        state="unused",
        reason=None,
        broken_since=None,
        dispatchers=0,
        in_flight=0,
        per_second=0.0,
        failing=0.0,
        test_mode=False,
        drained_at=None,
        held_until=None,
    )


async def count_dispatchers(pool: Connection | Pool) -> int:
    """Counts the dispatchers that run: those that beat of late."""
    count: int = await pool.fetchval(
        f"SELECT count(*) FROM processes WHERE beat_at > clock_timestamp() - {BEATING}"  # noqa: S608 - a constant
    )
    return count


async def is_known(pool: Pool, name: str) -> bool:
    """Says whether a provider is one of those listed."""
    return any(shown.name == name for shown in await list_all(pool))


async def set_drained(connection: Connection | Pool, name: str, *, drained: bool) -> bool:
    """Drains or resumes a provider. Returns whether that changed anything."""
    changed = await connection.fetchval(
        """
        INSERT INTO provider_states AS s (provider, drained_at) VALUES ($1, CASE WHEN $2 THEN clock_timestamp() END)
        ON CONFLICT (provider) DO UPDATE SET drained_at = EXCLUDED.drained_at
            WHERE (s.drained_at IS NULL) = $2
        RETURNING true
        """,
        name,
        drained,
    )
    return bool(changed)


async def ask_to_reload(pool: Pool) -> int:
    """Asks all dispatchers to read the providers file again. Returns how many run."""
    count: int = await pool.fetchval(
        f"""
        SELECT count(*) FROM processes, (SELECT pg_notify($1, '')) AS asked
        WHERE beat_at > clock_timestamp() - {BEATING}
        """,  # noqa: S608 - a constant
        PROVIDERS_CHANNEL,
    )
    return count
