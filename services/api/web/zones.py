"""The time zones a client may have: those that Python and the database both know."""

import zoneinfo

from services.api.web import zone_store as store
from shared.database import Pool
from shared.settings import SettingsError


async def load(pool: Pool, default_zone: str) -> frozenset[str]:
    """Asks once, at start. Raises SettingsError when the database does not know the default zone."""
    known = frozenset(await store.names(pool)) & zoneinfo.available_timezones()
    if default_zone not in known:
        raise SettingsError(f"HERALD_DEFAULT_TIMEZONE: {default_zone!r} is not known to PostgreSQL")
    return known
