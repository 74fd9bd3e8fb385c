"""The database as a request meets it: not reached yet, unavailable, or too slow."""

import asyncpg

from services.api.web.problems import unavailable
from services.api.web.reading.parsing import Zones
from shared.database import COLLISIONS, DATABASE_OUTAGES, WRONG_SETTINGS, Pool

# Once the process runs, a changed password and a dropped database are outages, too.
DATABASE_AWAY = (*DATABASE_OUTAGES, *WRONG_SETTINGS, *COLLISIONS)
# A statement that ran into its timeout counts as an outage elsewhere; here the caller learns that the database is up.
TOO_SLOW = (asyncpg.QueryCanceledError,)


class DatabaseGate:
    """Lets requests through to the pool and the time zones, both of which exist only once the database was reached."""

    def __init__(self) -> None:
        self._opened: tuple[Pool, Zones] | None = None

    def open(self, pool: Pool, zones: Zones) -> None:
        """Lets requests through to the database from now on."""
        self._opened = pool, zones

    @property
    def pool(self) -> Pool:
        """Returns the pool. Raises a 503 problem until the database was reached."""
        return self._reached[0]

    @property
    def zones(self) -> Zones:
        """Returns the time zones that a client may have. Raises a 503 problem until the database was reached."""
        return self._reached[1]

    @property
    def _reached(self) -> tuple[Pool, Zones]:
        if self._opened is None:
            raise unavailable()
        return self._opened
