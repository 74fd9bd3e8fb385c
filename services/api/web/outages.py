"""What counts as the database being away, once the process runs."""

import asyncpg

from shared.database import COLLISIONS, DATABASE_OUTAGES, WRONG_SETTINGS

# A changed password and a dropped database are outages too.
AWAY = (*DATABASE_OUTAGES, *WRONG_SETTINGS, *COLLISIONS)
# A statement that ran into its timeout, though it counts as an outage elsewhere: the database is there.
TOO_SLOW = (asyncpg.QueryCanceledError,)
