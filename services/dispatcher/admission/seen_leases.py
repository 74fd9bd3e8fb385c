"""Which dispatchers are gone, by what this one saw of their leases. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

# What the database's clock says of the age of a lease is believed for all but so much: for so long at least it must be
# seen unchanged. Who is alive renews its lease within a second.
LEAST_WATCHED_SECONDS = 2.5


class LeaseAge(NamedTuple):
    """When a lease was renewed last, and how many seconds ago, by the database's clock."""

    renewed_at: datetime
    age: float


class _Sight(NamedTuple):
    renewed_at: datetime
    gone_since: float


class SeenLeases:
    """What this process saw of leases. `clock` returns seconds on a clock that never jumps.

    The clock of the database may be set, or be another one after a failover. By that clock alone every lease might be
    old at once, and its tokens taken from who uses them.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, UUID], _Sight] = {}

    def gone(self, name: str, leases: Mapping[UUID, LeaseAge], gone_seconds: float) -> set[UUID]:
        """Returns whose leases of one name were not renewed for so long. `leases` are all that there are now."""
        moment = self._clock()
        for key in [key for key in self._seen if key[0] == name and key[1] not in leases]:
            del self._seen[key]
        for process, lease in leases.items():
            seen = self._seen.get((name, process))
            if seen is None or seen.renewed_at != lease.renewed_at:
                age = min(max(lease.age, 0.0), gone_seconds - LEAST_WATCHED_SECONDS)
                self._seen[name, process] = _Sight(lease.renewed_at, moment + gone_seconds - age)
        return {process for process in leases if self._seen[name, process].gone_since <= moment}
