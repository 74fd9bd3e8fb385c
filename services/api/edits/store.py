"""Announces edits to the dispatchers, and reads which of them have heard."""

from dataclasses import dataclass

from services.api.edits.scope import EditScope
from shared.database import Pool
from shared.edits import EDITS_CHANNEL, LEASE


@dataclass(frozen=True, slots=True)
class Unaware:
    """The dispatchers that may still begin a request under the old terms; those of them that are not fenced yet."""

    processes: int
    unfenced: int


async def has_flights(pool: Pool, scope: EditScope) -> bool:
    """Returns whether any message of the scope is on its way, on a queue or not, claimed or not.

    Called after the edit has committed: a flight that this does not see is claimed under the new terms.
    """
    if scope.mailing_id is not None:
        return await _has_flights_of_mailing(pool, scope.mailing_id)
    if scope.client_ids is not None:
        return await _has_flights_of_clients(pool, scope.client_ids)
    value: bool = await pool.fetchval("SELECT EXISTS (SELECT FROM flights)")
    return value


async def _has_flights_of_mailing(pool: Pool, mailing_id: int) -> bool:
    value: bool = await pool.fetchval(
        """
        -- Two conditions for the two partial indexes: one of them is by mailing, the other is short.
        SELECT EXISTS (SELECT FROM flights WHERE mailing_id = $1 AND released_at IS NULL)
            OR EXISTS (SELECT FROM flights WHERE mailing_id = $1 AND released_at IS NOT NULL)
        """,
        mailing_id,
    )
    return value


async def _has_flights_of_clients(pool: Pool, client_ids: tuple[int, ...]) -> bool:
    value: bool = await pool.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM messages m JOIN flights f ON f.message_id = m.id WHERE m.client_id = ANY ($1::bigint[])
        )
        """,
        client_ids,
    )
    return value


async def announce(pool: Pool, scope: EditScope) -> int:
    """Adds an edit for the dispatchers to hear of, hints at it, and returns its id.

    Not in the transaction of the edit itself: a notification there would make all commits wait for each other.
    """
    edit_id: int = await pool.fetchval(
        """
        WITH old AS (
            -- No dispatcher looks back for more than 10 s. Another edit may be deleting the same ones.
            DELETE FROM edits WHERE id IN (
                SELECT id FROM edits WHERE edited_at < clock_timestamp() - interval '1 min'
                LIMIT 100 FOR UPDATE SKIP LOCKED
            )
        ), made AS (
            INSERT INTO edits (mailing_id, client_ids) VALUES ($1, $2::bigint[]) RETURNING id
        ), hinted AS MATERIALIZED (
            SELECT pg_notify($3, '')
        )
        SELECT made.id FROM made, hinted
        """,
        scope.mailing_id,
        scope.client_ids,
        EDITS_CHANNEL,
    )
    return edit_id


async def find_unaware(pool: Pool, edit_id: int) -> Unaware:
    """Counts the dispatchers that have not heard of an edit and whose lease may hold.

    A lease has run out when the last beat is LEASE old; that of a fenced process, LEASE after it was fenced.
    """
    (row,) = await pool.fetch(
        """
        SELECT count(*) AS processes, count(*) FILTER (WHERE fenced_at IS NULL) AS unfenced FROM processes
        WHERE CASE
            WHEN fenced_at IS NULL THEN beat_at > clock_timestamp() - $2::interval AND NOT heard @> ARRAY[$1::bigint]
            ELSE fenced_at > clock_timestamp() - $2::interval
        END
        """,
        edit_id,
        LEASE,
    )
    return Unaware(**row)


async def fence(pool: Pool, edit_id: int) -> int:
    """Fences the dispatchers that have not heard of an edit: their next beat fails. Returns how many there were."""
    value: int = await pool.fetchval(
        """
        WITH fenced AS (
            UPDATE processes SET fenced_at = clock_timestamp()
            WHERE fenced_at IS NULL AND beat_at > clock_timestamp() - $2::interval
                AND NOT heard @> ARRAY[$1::bigint]
            RETURNING id
        )
        SELECT count(*) FROM fenced
        """,
        edit_id,
        LEASE,
    )
    return value
