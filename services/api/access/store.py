"""Reads the tokens table, as far as a request needs it, and stores that tokens were used."""

from collections.abc import Mapping, Sequence

import orjson

from services.api.access.identity import Identity
from services.api.access.known_tokens import StoredToken
from shared.database import Pool


async def valid_tokens(pool: Pool) -> list[StoredToken]:
    """Lists the tokens that are neither expired nor revoked."""
    rows = await pool.fetch(
        """
        SELECT hash, name, role, extract(epoch FROM expires_at - clock_timestamp())::float8 AS seconds_left FROM tokens
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
        """
    )
    return [StoredToken(row["hash"], Identity(name=row["name"], role=row["role"]), row["seconds_left"]) for row in rows]


async def add_refusal(pool: Pool, request_id: str, detail: Mapping[str, str]) -> None:
    """Adds the event of a token that was refused: nobody knows whose it was."""
    await pool.execute(
        "INSERT INTO events (kind, request_id, detail) VALUES ('token_refused', $1, $2::text::jsonb)",
        request_id,
        orjson.dumps(detail).decode(),
    )


async def mark_used(pool: Pool, names: Sequence[str]) -> None:
    """Stores that the tokens with these names were used now."""
    await pool.execute("UPDATE tokens SET last_used_at = now() WHERE name = ANY ($1::text[])", names)
