"""The time zones that a client may have: those that both Python and the database know."""

import zoneinfo

from services.api.clients import store
from services.api.web.reading.parsing import Zones
from shared.database import Pool
from shared.settings import SettingsError

# The zone of the machine, and one that tells that none was chosen.
_NO_PLACES = frozenset({"localtime", "Factory", "posixrules"})


async def load(pool: Pool, default_zone: str) -> Zones:
    """Reads the zones once, at start. Raises SettingsError when the database does not know the default zone."""
    known = frozenset(name for name in await store.zone_names(pool) if _is_place(name)) & zoneinfo.available_timezones()
    if default_zone not in known:
        raise SettingsError(f"HERALD_DEFAULT_TIMEZONE: {default_zone!r} is not known to PostgreSQL")
    return known


def _is_place(name: str) -> bool:
    """Returns whether a name means the same zone on every machine: the files of a system hold others besides."""
    return name not in _NO_PLACES and not name.startswith(("posix/", "right/", "SystemV/"))
