"""Every SQL statement about receipts, one function each."""

from collections import Counter
from collections.abc import Sequence

import asyncpg

from services.reporter.receipts.delivery import DeliveryState, ReceiptFacts
from shared.database import Connection

# Outcomes of attempts that were certainly not taken. After any other a receipt proves that it was.
NOT_TAKEN = ("hold", "not_found", "redirected", "refused", "too_late", "too_many", "unauthorized", "unreachable")
# (mailing, provider, operator code, delivery, reason), and (mailing, provider, operator code, bucket).
DeliveryKey = tuple[int, str, str, str, str]
TimeKey = tuple[int, str, str, int]


async def find_messages(connection: Connection, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Finds messages by (provider, the provider's id). Those that no result has named yet are left out."""
    rows = await connection.fetch(
        """
        SELECT m.provider, m.provider_id, m.id
        FROM unnest($1::text[], $2::text[]) AS r (provider, provider_id)
        JOIN messages m ON m.provider_id = r.provider_id AND m.provider = r.provider
        """,
        [provider for provider, _ in references],
        [provider_id for _, provider_id in references],
    )
    return {(row["provider"], row["provider_id"]): row["id"] for row in rows}


async def read_facts(connection: Connection, message_ids: Sequence[int]) -> dict[int, ReceiptFacts]:
    """Reads what the tables hold about messages that are locked."""
    rows = await connection.fetch(
        """
        SELECT m.id, m.mailing_id, m.client_id, coalesce(d.operator_code, c.operator_code) AS operator_code,
            d.provider AS counted_at, m.status::text, m.reason, m.attempts, m.final_at,
            coalesce(f.claimed_number > f.folded_number, false) AS open,
            -- A message that is final has no flight: its attempts tell whether any may have arrived.
            CASE
                WHEN f.message_id IS NOT NULL THEN coalesce(f.unsure, false)
                ELSE m.status IN ('exhausted', 'expired', 'cancelled') AND EXISTS (
                    SELECT FROM attempts a WHERE a.message_id = m.id AND a.outcome <> ALL ($2::text[])
                )
            END AS unsure,
            ARRAY(
                SELECT DISTINCT p FROM (
                    SELECT m.provider UNION ALL SELECT f.provider
                    UNION ALL SELECT a.provider FROM attempts a WHERE a.message_id = m.id
                ) AS known (p) WHERE p IS NOT NULL
            ) AS providers,
            ARRAY(
                SELECT a.provider FROM attempts a
                WHERE a.message_id = m.id AND a.provider IS NOT NULL
                GROUP BY a.provider HAVING bool_and(a.outcome = ANY ($2::text[]))
            ) AS refused_by,
            d.delivery, d.reason AS delivery_reason, d.at, d.bucket
        FROM messages m
        JOIN clients c ON c.id = m.client_id
        LEFT JOIN flights f ON f.message_id = m.id
        LEFT JOIN deliveries d ON d.message_id = m.id
        WHERE m.id = ANY ($1::bigint[])
        """,
        message_ids,
        list(NOT_TAKEN),
    )
    return {row["id"]: _facts(row) for row in rows}


def _facts(row: asyncpg.Record) -> ReceiptFacts:
    known = row["delivery"] is not None
    state = DeliveryState(row["delivery"], row["delivery_reason"], row["at"], row["bucket"]) if known else None
    return ReceiptFacts(
        message_id=row["id"],
        mailing_id=row["mailing_id"],
        client_id=row["client_id"],
        operator_code=row["operator_code"],
        status=row["status"],
        reason=row["reason"],
        attempts=row["attempts"],
        final_at=row["final_at"],
        providers=frozenset(row["providers"]),
        refused_by=frozenset(row["refused_by"]),
        open=row["open"],
        unsure=row["unsure"],
        counted_at=row["counted_at"],
        delivery=state,
    )


async def write_deliveries(connection: Connection, changed: Sequence[tuple[ReceiptFacts, str, DeliveryState]]) -> None:
    """Writes what is known of each message by now. The messages are locked."""
    await connection.execute(
        """
        INSERT INTO deliveries (message_id, mailing_id, provider, operator_code, delivery, reason, at, bucket)
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
            $8::smallint[]
        )
        ON CONFLICT (message_id) DO UPDATE
            SET delivery = EXCLUDED.delivery, reason = EXCLUDED.reason, at = EXCLUDED.at, bucket = EXCLUDED.bucket
        """,
        [facts.message_id for facts, _, _ in changed],
        [facts.mailing_id for facts, _, _ in changed],
        [provider for _, provider, _ in changed],
        [facts.operator_code for facts, _, _ in changed],
        [state.delivery for _, _, state in changed],
        [state.reason for _, _, state in changed],
        [state.at for _, _, state in changed],
        [state.bucket for _, _, state in changed],
    )


async def count_deliveries(connection: Connection, changes: Counter[DeliveryKey]) -> None:
    """Adds changes to the counts of deliveries. One that came from another state is a change of -1 there."""
    keys = sorted(key for key, change in changes.items() if change)
    await connection.execute(
        """
        WITH change AS (
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                AS v (mailing_id, provider, operator_code, delivery, reason, change)
        ), less AS (
            UPDATE delivery_counts o SET count = o.count + c.change FROM change c
            WHERE c.change < 0 AND (o.mailing_id, o.provider, o.operator_code, o.delivery, o.reason)
                = (c.mailing_id, c.provider, c.operator_code, c.delivery, c.reason)
        )
        INSERT INTO delivery_counts AS o (mailing_id, provider, operator_code, delivery, reason, count)
        SELECT * FROM change WHERE change > 0
        ON CONFLICT (mailing_id, provider, operator_code, delivery, reason)
            DO UPDATE SET count = o.count + EXCLUDED.count
        """,
        *_columns(keys, 5),
        [changes[key] for key in keys],
    )


async def count_times(connection: Connection, changes: Counter[TimeKey]) -> None:
    """Adds delivered messages to the counts of how long they took."""
    keys = sorted(changes)
    await connection.execute(
        """
        INSERT INTO delivery_times AS o (mailing_id, provider, operator_code, bucket, count)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::bigint[])
        ON CONFLICT (mailing_id, provider, operator_code, bucket) DO UPDATE SET count = o.count + EXCLUDED.count
        """,
        *_columns(keys, 4),
        [changes[key] for key in keys],
    )


def _columns(keys: Sequence[Sequence[int | str]], width: int) -> list[list[int | str]]:
    return [[key[place] for key in keys] for place in range(width)]
