"""The clock of the database, for fences."""

from datetime import datetime

from shared.database import Pool


async def read_clock(pool: Pool) -> datetime:
    """Reads the database's clock, for the next fence."""
    value: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return value
