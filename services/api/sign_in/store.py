"""Stores who is signing in, and the sessions of those who have."""

from dataclasses import dataclass
from datetime import timedelta

from services.api.access.identity import Identity
from services.api.sign_in.responses import Session
from shared.database import Pool

SIGN_IN_LIFE = timedelta(minutes=10)
SESSION_LIFE, IDLE_LIFE = timedelta(hours=8), timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that was begun: what the answer of the issuer is checked against, and where it leads."""

    nonce: str
    verifier: str
    return_to: str


async def add_sign_in(pool: Pool, state_hash: bytes, browser_hash: bytes, pending: PendingSignIn) -> None:
    """Stores a sign-in, and deletes those that nobody finished."""
    await pool.execute(
        """
        WITH old AS (
            DELETE FROM sign_ins WHERE state_hash IN (
                SELECT state_hash FROM sign_ins WHERE created_at < now() - $6::interval
                LIMIT 100 FOR UPDATE SKIP LOCKED
            )
        )
        INSERT INTO sign_ins (state_hash, browser_hash, nonce, verifier, return_to) VALUES ($1, $2, $3, $4, $5)
        """,
        state_hash,
        browser_hash,
        pending.nonce,
        pending.verifier,
        pending.return_to,
        SIGN_IN_LIFE,
    )


async def take_sign_in(pool: Pool, state_hash: bytes, browser_hash: bytes) -> PendingSignIn | None:
    """Takes a sign-in, which can be done once, and by the browser that began it. Returns None without one."""
    row = await pool.fetchrow(
        """
        DELETE FROM sign_ins WHERE state_hash = $1 AND browser_hash = $2 AND created_at > now() - $3::interval
        RETURNING nonce, verifier, return_to
        """,
        state_hash,
        browser_hash,
        SIGN_IN_LIFE,
    )
    return None if row is None else PendingSignIn(**row)


async def add_session(pool: Pool, hashed: bytes, subject: str, identity: Identity) -> int:
    """Begins a session, and deletes those that ended a month ago. Returns its id."""
    value: int = await pool.fetchval(
        """
        WITH old AS (
            DELETE FROM sessions WHERE expires_at < now() - interval '30 days'
        )
        INSERT INTO sessions (hash, subject, name, role, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5::interval) RETURNING id
        """,
        hashed,
        subject,
        identity.name,
        identity.role,
        SESSION_LIFE,
    )
    return value


async def find_session(pool: Pool, hashed: bytes) -> Identity | None:
    """Finds who a session belongs to, and keeps it from falling idle. Returns None for one that is over."""
    row = await pool.fetchrow(
        """
        WITH found AS (
            SELECT id, name, role, seen_at FROM sessions
            WHERE hash = $1 AND ended_at IS NULL AND expires_at > now() AND seen_at > now() - $2::interval
        ), seen AS (
            UPDATE sessions s SET seen_at = now() FROM found f
            WHERE s.id = f.id AND f.seen_at < now() - interval '1 min'
        )
        SELECT name, role FROM found
        """,
        hashed,
        IDLE_LIFE,
    )
    return None if row is None else Identity(name=row["name"], role=row["role"])


async def end_session(pool: Pool, hashed: bytes) -> str | None:
    """Ends the session of a sign-out. Returns whose it was; None if there is none."""
    value: str | None = await pool.fetchval(
        "UPDATE sessions SET ended_at = now(), ended_by = name WHERE hash = $1 AND ended_at IS NULL RETURNING name",
        hashed,
    )
    return value


async def list_sessions(pool: Pool) -> list[Session]:
    """Lists the sessions that are not over, the newest first."""
    rows = await pool.fetch(
        """
        SELECT id, name, role, created_at, seen_at, least(expires_at, seen_at + $1::interval) AS expires_at
        FROM sessions WHERE ended_at IS NULL AND expires_at > now() AND seen_at > now() - $1::interval
        ORDER BY id DESC LIMIT 1000
        """,
        IDLE_LIFE,
    )
    return [Session(**row) for row in rows]


async def revoke_session(pool: Pool, session_id: int, by: str) -> str | None:
    """Ends a session on behalf of an admin. Returns whose it was; None if there is none that is not over."""
    value: str | None = await pool.fetchval(
        "UPDATE sessions SET ended_at = now(), ended_by = $2 WHERE id = $1 AND ended_at IS NULL RETURNING name",
        session_id,
        by,
    )
    return value
