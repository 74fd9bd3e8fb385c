"""Which time zones a client may have."""

import asyncpg
import pytest

from services.api.clients import zones
from shared.settings import SettingsError


async def test_a_zone_means_the_same_on_every_machine(pool: asyncpg.Pool) -> None:
    known = await zones.load(pool, "UTC")
    assert {"UTC", "Europe/Moscow", "Asia/Tokyo"} <= known
    assert not known & {"localtime", "Factory", "posixrules", "utc"}
    assert not [name for name in known if name.startswith(("posix/", "right/", "SystemV/"))]
    with pytest.raises(SettingsError, match="HERALD_DEFAULT_TIMEZONE"):
        await zones.load(pool, "localtime")
