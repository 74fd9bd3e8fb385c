"""What counts as the database being away, once the process runs."""

from shared.database import COLLISIONS, OUTAGES, WRONG_SETTINGS

# A changed password and a dropped database are outages too.
AWAY = (*OUTAGES, *WRONG_SETTINGS, *COLLISIONS)
