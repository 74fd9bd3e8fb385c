"""Under which name a dispatcher claims, and which names it keeps alive."""

from collections import Counter
from uuid import UUID, uuid4


class WorkerName:
    """The random id under which this process claims. It is replaced when the fate of a claim is unknown.

    Claims under a name that beats are never taken over. A claim statement that failed midway may have claimed rows
    that this process does not know. So its name beats only as long as attempts that the process does know need it.
    Then the name falls silent, and the unknown claims become stale, like those of a process that died.
    """

    def __init__(self) -> None:
        self._current = uuid4()
        self._attempts: Counter[UUID] = Counter()

    @property
    def current(self) -> UUID:
        return self._current

    @property
    def alive(self) -> list[UUID]:
        """The names to beat for."""
        return sorted({self._current, *self._attempts})

    def hold(self, name: UUID) -> None:
        """Keeps a name alive for one attempt more."""
        self._attempts[name] += 1

    def let_go(self, name: UUID) -> None:
        """Ends the hold of one attempt, whose result is on the broker or whose claim was given back."""
        self._attempts[name] -= 1
        if self._attempts[name] <= 0:
            del self._attempts[name]

    def renew(self) -> None:
        """Claims under a new name from now on."""
        self._current = uuid4()
