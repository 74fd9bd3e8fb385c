"""Every SQL statement of the reporter, one function each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from services.reporter.tally import AttemptRow, MessageRecord, MessageUpdate
from shared.database import Connection
from shared.messages import Result

# The SQLSTATE with which fold_first_tries() refuses.
NOT_FIRST_TRIES = "HD001"


@dataclass(frozen=True, slots=True)
class RecordedAttempt:
    """An attempt that was written. `new` is false where it replaced one recorded as lost."""

    message_id: int
    number: int
    new: bool


class NotFirstTries(Exception):
    """One of the results is about a message with another past: a failure before it, a resend, or a result already."""


async def fold_first_tries(connection: Connection, results: Sequence[Result], fence: datetime | None) -> datetime:
    """Folds successes of a first attempt, one a message, all or none, and stores the fence.

    Returns the database's time. Raises NotFirstTries.
    """
    arguments = [
        [one.message_id for one in results],
        [one.started_at for one in results],
        [one.duration_ms for one in results],
        [one.http_status for one in results],
        fence,
    ]
    call = "fold_first_tries($1::bigint[], $2::timestamptz[], $3::int[], $4::smallint[], $5"
    # Without a providers file there is nothing more to keep, and the shorter call costs less.
    if any(one.provider is not None for one in results):
        call += ", $6::text[], $7::text[], $8::numeric[]"
        arguments += [[one.provider for one in results], [one.provider_id for one in results]]
        arguments.append([one.cost for one in results])
    try:
        moment: datetime = await connection.fetchval(f"SELECT {call})", *arguments)
    except asyncpg.PostgresError as error:
        if getattr(error, "sqlstate", None) == NOT_FIRST_TRIES:
            raise NotFirstTries from None
        raise
    return moment


async def lock_messages(connection: Connection, message_ids: Sequence[int]) -> datetime:
    """Locks these messages in id order, and returns the database's time after that.

    Messages are locked before flights and counters, as settle() does, so that two reporters cannot deadlock.
    """
    moment: datetime = await connection.fetchval(
        """
        WITH locked AS MATERIALIZED (
            SELECT id FROM messages WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
        )
        SELECT clock_timestamp() FROM (SELECT count(*) FROM locked) AS waited
        """,
        message_ids,
    )
    return moment


async def read_messages(connection: Connection, message_ids: Sequence[int]) -> dict[int, MessageRecord]:
    """Reads what the tables hold about messages that are locked.

    A statement of its own: the one that waits for the locks would see the flights of before, and so the round before
    a resend.
    """
    rows = await connection.fetch(
        """
        SELECT m.id, m.mailing_id, m.started_at IS NOT NULL AS first_try, f.claimed_number AS claimed,
            greatest(m.attempts, coalesce(f.folded_number, 0)) AS recorded, coalesce(f.base_number, 0) AS base,
            coalesce(f.resent, false) AS resent
        FROM messages m LEFT JOIN flights f ON f.message_id = m.id
        WHERE m.id = ANY ($1::bigint[])
        """,
        message_ids,
    )
    return {
        row["id"]: MessageRecord(
            mailing_id=row["mailing_id"],
            recorded=row["recorded"],
            first_try=row["first_try"],
            claimed=row["claimed"],
            base=row["base"],
            resent=row["resent"],
        )
        for row in rows
    }


async def record_attempts(connection: Connection, attempts: Sequence[AttemptRow]) -> list[RecordedAttempt]:
    """Writes attempts that the table does not hold yet, and returns those written.

    An attempt recorded as lost is replaced by its real result.
    """
    rows = await connection.fetch(
        """
        INSERT INTO attempts AS a
            (message_id, number, mailing_id, started_at, duration_ms, http_status, outcome, detail,
                provider, provider_id, cost)
        SELECT * FROM unnest(
            $1::bigint[], $2::int[], $3::bigint[], $4::timestamptz[], $5::int[], $6::smallint[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::numeric[]
        )
        -- A result that comes a second time changes nothing, unless the first was only "lost".
        ON CONFLICT (message_id, number) DO UPDATE
        SET started_at = EXCLUDED.started_at, duration_ms = EXCLUDED.duration_ms,
            http_status = EXCLUDED.http_status, outcome = EXCLUDED.outcome, detail = EXCLUDED.detail,
            provider = EXCLUDED.provider, provider_id = EXCLUDED.provider_id, cost = EXCLUDED.cost
        WHERE a.outcome = 'lost' AND EXCLUDED.outcome <> 'lost'
        -- xmax is 0 for a row that was inserted, and not for one that was updated.
        RETURNING message_id, number, xmax = 0 AS new
        """,
        [a.message_id for a in attempts],
        [a.number for a in attempts],
        [a.mailing_id for a in attempts],
        [a.started_at for a in attempts],
        [a.duration_ms for a in attempts],
        [a.http_status for a in attempts],
        [a.outcome for a in attempts],
        [a.detail for a in attempts],
        [a.provider for a in attempts],
        [a.provider_id for a in attempts],
        [a.cost for a in attempts],
    )
    return [RecordedAttempt(**row) for row in rows]


async def close_claims(connection: Connection, updates: Sequence[MessageUpdate], failures: Sequence[int]) -> None:
    """Closes the claims up to each update's number, counts their failures, and stores when the next attempt is due.

    A newer claim keeps its own times, since results may be folded in any order.
    """
    await connection.execute(
        """
        UPDATE flights f
        SET folded_number = greatest(f.folded_number, v.number),
            failures = f.failures + v.failures,
            -- A retry that is not on the broker is unreleased: the planner releases it when it is due. One that is on
            -- it is released, though the planner may not have said so of the job before, unless it was put back since.
            released_at = CASE
                WHEN f.claimed_number > v.number OR (v.queued AND f.asked_number > v.number) THEN f.released_at
                WHEN v.queued THEN coalesce(f.released_at, clock_timestamp())
            END,
            due_at = CASE WHEN f.claimed_number > v.number THEN f.due_at ELSE coalesce(v.due_at, now()) END,
            earliest_at = CASE WHEN f.claimed_number > v.number OR v.queued THEN f.earliest_at ELSE v.due_at END
        FROM unnest($1::bigint[], $2::int[], $3::int[], $4::bool[], $5::timestamptz[])
            AS v (message_id, number, failures, queued, due_at)
        WHERE f.message_id = v.message_id AND (v.number > f.folded_number OR v.failures > 0)
        """,
        [one.message_id for one in updates],
        [one.number for one in updates],
        list(failures),
        [one.queued for one in updates],
        [one.due_at for one in updates],
    )


async def note_providers(connection: Connection, updates: Sequence[MessageUpdate]) -> None:
    """Keeps with each message the provider of the attempt that gave its status, and what flights need to know."""
    await connection.execute(
        """
        WITH given AS (
            SELECT * FROM unnest($1::bigint[], $2::message_status[], $3::text[], $4::text[], $5::numeric[])
                AS v (id, status, provider, provider_id, cost)
        ), noted AS (
            UPDATE messages m SET provider = v.provider, provider_id = v.provider_id, cost = v.cost
            -- A late refusal says nothing of a message that was accepted.
            FROM given v WHERE m.id = v.id AND m.status = v.status
        )
        UPDATE flights f SET unsure = f.unsure OR v.unsure, refused = CASE WHEN v.refused IS NULL THEN f.refused
            ELSE ARRAY(SELECT DISTINCT x FROM unnest(f.refused || string_to_array(v.refused, ',')) AS x) END
        FROM unnest($1::bigint[], $6::bool[], $7::text[]) AS v (id, unsure, refused)
        WHERE f.message_id = v.id AND (v.unsure OR v.refused IS NOT NULL)
        """,
        [one.message_id for one in updates],
        [one.status for one in updates],
        [one.provider for one in updates],
        [one.provider_id for one in updates],
        [one.cost for one in updates],
        [one.unsure for one in updates],
        [",".join(one.refused) or None for one in updates],
    )


async def count_provider_outcomes(
    connection: Connection, changes: Mapping[tuple[int, str, str], tuple[int, Decimal]]
) -> None:
    """Adds attempts by provider and outcome, and what they cost."""
    keys = sorted(changes)
    await connection.execute(
        """
        INSERT INTO provider_outcomes AS o (mailing_id, provider, outcome, count, cost)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::numeric[])
        ON CONFLICT (mailing_id, provider, outcome) DO UPDATE
            SET count = o.count + EXCLUDED.count, cost = o.cost + EXCLUDED.cost
        """,
        [mailing_id for mailing_id, _, _ in keys],
        [provider for _, provider, _ in keys],
        [outcome for _, _, outcome in keys],
        [changes[key][0] for key in keys],
        [changes[key][1] for key in keys],
    )


async def settle(connection: Connection, updates: Sequence[MessageUpdate]) -> dict[str, int]:
    """Moves the messages to their status, with all counters. Returns how many moved to each status."""
    firsts = [one.first_try for one in updates]
    rows = await connection.fetch(
        """
        SELECT became::text AS status, count(*) AS n
        FROM settle(
            $1::bigint[], $2::message_status[], $3::text[], $4::int[],
            $5::timestamptz[], $6::timestamptz[], $7::int[], $8::smallint[]
        )
        GROUP BY 1
        """,
        [one.message_id for one in updates],
        [one.status for one in updates],
        [_reason(one) for one in updates],
        [one.number for one in updates],
        [one.final_at for one in updates],
        [first.started_at if first else None for first in firsts],
        [first.duration_ms if first else None for first in firsts],
        [first.http_status if first else None for first in firsts],
    )
    return {row["status"]: row["n"] for row in rows}


def _reason(update: MessageUpdate) -> str | None:
    """Returns the reason of an update. What ends a message unsent needs one: by its reason the message is found."""
    if update.status in {"retrying", "sent"}:
        return update.reason
    return update.reason or "no reason given"


async def count_outcomes(connection: Connection, changes: dict[tuple[int, str], int]) -> None:
    """Adds changes to the attempts by outcome of each mailing. A lost attempt that was found is a change of -1."""
    keys = sorted(key for key, change in changes.items() if change)
    await connection.execute(
        """
        WITH change AS (
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS v (mailing_id, outcome, change)
        ), less AS (
            UPDATE outcomes o SET count = o.count + c.change
            FROM change c WHERE c.change < 0 AND o.mailing_id = c.mailing_id AND o.outcome = c.outcome
        )
        INSERT INTO outcomes AS o (mailing_id, outcome, count)
        SELECT mailing_id, outcome, change FROM change WHERE change > 0
        ON CONFLICT (mailing_id, outcome) DO UPDATE SET count = o.count + EXCLUDED.count
        """,
        [mailing_id for mailing_id, _ in keys],
        [outcome for _, outcome in keys],
        [changes[key] for key in keys],
    )


async def note_opt_outs(connection: Connection, providers: Mapping[int, str]) -> None:
    """Notes clients who want nothing any more, by who said so. The API puts them on the stop list."""
    ids = sorted(providers)
    await connection.execute(
        """
        INSERT INTO opt_outs (client_id, provider) SELECT * FROM unnest($1::bigint[], $2::text[])
        ON CONFLICT DO NOTHING
        """,
        ids,
        [providers[client_id] for client_id in ids],
    )


async def move_fence(connection: Connection, fence: datetime | None, results: int) -> datetime:
    """Stores the newest fence, counts the folded results, and returns the database's time.

    A fence is the database's time at its publishing. One that lies in the future is forged or damaged, and is ignored.
    """
    moment: datetime = await connection.fetchval(
        """
        UPDATE fence SET results = results + $2,
            folded_at = greatest(folded_at, CASE WHEN $1::timestamptz <= clock_timestamp() THEN $1 END)
        RETURNING clock_timestamp()
        """,
        fence,
        results,
    )
    return moment
