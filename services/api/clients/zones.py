"""The time zones that a client may have: those that both Python and the database know."""

import zoneinfo

from services.api.clients import store
from services.api.web.parsing import Zones
from shared.database import Pool
from shared.settings import SettingsError


async def load(pool: Pool, default_zone: str) -> Zones:
    """Reads the zones once, at start. Raises SettingsError when the database does not know the default zone."""
    known = frozenset(await store.zone_names(pool)) & zoneinfo.available_timezones()
    if default_zone not in known:
        raise SettingsError(f"HERALD_DEFAULT_TIMEZONE: {default_zone!r} is not known to PostgreSQL")
    return known
