"""Under which name a dispatcher claims, and which names it keeps alive."""

from collections import Counter
from uuid import UUID, uuid4


class Identity:
    """The random id of this process, given up for a new one when the fate of a claim is unknown.

    Claims under a name that beats are never taken over. A claim statement that failed midway may have taken
    rows that we do not know of; so its name beats on only while attempts that we do know of need it, and
    then falls silent, and the unknown claims become stale like those of a process that died.
    """

    def __init__(self) -> None:
        self._current = uuid4()
        self._held: Counter[UUID] = Counter()

    @property
    def current(self) -> UUID:
        return self._current

    @property
    def alive(self) -> list[UUID]:
        """The names to beat for."""
        return sorted({self._current, *self._held})

    def hold(self, name: UUID) -> None:
        """Keeps a name alive for one attempt more."""
        self._held[name] += 1

    def let_go(self, name: UUID) -> None:
        """One attempt under the name has its result on the broker."""
        self._held[name] -= 1
        if self._held[name] <= 0:
            del self._held[name]

    def renew(self) -> None:
        """Claims under a new name from now on."""
        self._current = uuid4()
