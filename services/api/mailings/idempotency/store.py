"""Keeps the answers to requests with an Idempotency-Key, for 24 hours."""

from dataclasses import dataclass

from shared.database import Connection


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    body_hash: bytes
    mailing_id: int
    answer: str


async def try_lock(connection: Connection, lock: int) -> bool:
    """Takes an advisory lock until the transaction ends. Returns False if another transaction holds it."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", lock)
    return taken


async def find(connection: Connection, owner: str, key: str) -> StoredAnswer | None:
    row = await connection.fetchrow(
        """
        SELECT body_hash, mailing_id, answer FROM idempotency_keys
        WHERE owner = $1 AND key = $2 AND created_at > now() - interval '24 hours'
        """,
        owner,
        key,
    )
    return None if row is None else StoredAnswer(**row)


async def keep(connection: Connection, owner: str, key: str, kept: StoredAnswer) -> None:
    """Stores an answer. It can replace only one that is too old."""
    await connection.execute(
        """
        INSERT INTO idempotency_keys (owner, key, body_hash, mailing_id, answer) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (owner, key) DO UPDATE
            SET body_hash = EXCLUDED.body_hash, mailing_id = EXCLUDED.mailing_id,
                answer = EXCLUDED.answer, created_at = now()
        """,
        owner,
        key,
        kept.body_hash,
        kept.mailing_id,
        kept.answer,
    )


async def forget_old(connection: Connection) -> None:
    """Deletes a few answers that are too old, so that the table holds no more than a day's."""
    await connection.execute(
        """
        DELETE FROM idempotency_keys
        WHERE (owner, key) IN (
            SELECT owner, key FROM idempotency_keys
            WHERE created_at <= now() - interval '24 hours'
            ORDER BY created_at LIMIT 100 FOR UPDATE SKIP LOCKED
        )
        """
    )
