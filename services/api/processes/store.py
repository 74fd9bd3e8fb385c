"""Reads what the running processes tell of themselves."""

import orjson

from services.api.processes.responses import ProcessShown
from shared.database import Pool


async def list_running(pool: Pool) -> list[ProcessShown]:
    """Lists the processes that told of themselves within the last minute, by kind and start."""
    rows = await pool.fetch(
        """
        SELECT process, version, started_at, seen_at, settings, limits FROM process_settings
        WHERE seen_at > now() - interval '1 min' ORDER BY split_part(process, ' ', 1), started_at, process
        """
    )
    return [
        ProcessShown(**{**row, "settings": orjson.loads(row["settings"]), "limits": orjson.loads(row["limits"])})
        for row in rows
    ]
