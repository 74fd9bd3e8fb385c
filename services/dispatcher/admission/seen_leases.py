"""Which dispatchers are gone, by what this one saw of their leases. Pure."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

# A process that starts believes the database's clock that a lease is as old as this: nobody was there to see it.
LONG_DEAD_SECONDS = 60.0


class LeaseAge(NamedTuple):
    """When a lease was renewed last, and how many seconds ago, by the database. `left`: its process has ended."""

    renewed_at: datetime
    age: float
    left: bool = False


class LeaseTerms(NamedTuple):
    """After how many seconds without a renewal a lease is free for others.

    `unused`: nothing that began under it can arrive any more. `left`: of a process that has ended in good order.
    """

    gone: float
    unused: float
    left: float = 0.0


class _Sight(NamedTuple):
    renewed_at: datetime
    gone_from: float


class SeenLeases:
    """What this process saw of leases. `clock` returns seconds on a clock that never jumps.

    The clock of the database may be set, or be another one after a failover. By that clock alone every lease might be
    old at once, and its tokens taken from who uses them. So its word counts only as far as nothing can go wrong by it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, UUID], _Sight] = {}
        self._looked_at: dict[str, float] = {}

    def gone(self, name: str, leases: Mapping[UUID, LeaseAge], terms: LeaseTerms) -> set[UUID]:
        """Returns whose leases of one name are free for others. `leases` are all that others have now."""
        moment, before = self._clock(), self._looked_at.get(name)
        self._looked_at[name] = moment
        for key in [key for key in self._seen if key[0] == name and key[1] not in leases]:
            del self._seen[key]
        for process, lease in leases.items():
            seen = self._seen.get((name, process))
            if seen is None or seen.renewed_at != lease.renewed_at:
                since = None if before is None else moment - before
                self._seen[name, process] = _Sight(lease.renewed_at, moment + _seconds_left(lease, since, terms))
        return {process for process in leases if self._seen[name, process].gone_from <= moment}


def _seconds_left(lease: LeaseAge, since: float | None, terms: LeaseTerms) -> float:
    """Returns for how long a lease is to be watched that was renewed since the last look, `since` seconds ago."""
    if lease.left:
        return terms.left
    if since is None and lease.age >= LONG_DEAD_SECONDS:
        return 0.0
    return terms.gone - min(max(lease.age, 0.0), math.inf if since is None else since, terms.gone - terms.unused)
