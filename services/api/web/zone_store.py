"""What the database knows of time zones."""

from shared.database import Pool


async def names(pool: Pool) -> list[str]:
    return [row["name"] for row in await pool.fetch("SELECT name FROM pg_timezone_names")]
