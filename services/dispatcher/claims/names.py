"""Under which name a dispatcher claims, and which names it keeps alive. Pure."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID, uuid4

# So an open claim whose result the broker lost falls stale within a minute, though its process lives.
RENEWED_SECONDS = 10.0


class ClaimNames:
    """The random id under which this process claims. It is replaced often, and when the fate of a claim is unknown.

    Claims under a name that beats are never taken over. So a name beats only while something that this process knows
    of needs it: a claim on its way, a message held, a request, or a result that is not confirmed. Then it falls
    silent, and what else was claimed under it becomes stale, like the claims of a process that died.

    The next name beats already before it is used: a name must have its row before anything is claimed under it.
    """

    def __init__(self, moment: float) -> None:
        self._current = uuid4()
        self._next = uuid4()
        self._since = moment
        self._beaten: set[UUID] = set()
        self._holds: Counter[UUID] = Counter()

    @property
    def current(self) -> UUID:
        return self._current

    @property
    def ready(self) -> bool:
        """Whether the current name may be claimed under: its beat has succeeded."""
        return self._current in self._beaten

    @property
    def alive(self) -> list[UUID]:
        """The names to beat for."""
        return sorted({self._current, self._next, *self._holds})

    def record_beat(self, names: Iterable[UUID], moment: float) -> None:
        """Records that a beat of these names has succeeded, and renews the current one when it is old enough."""
        self._beaten = set(names)
        if moment - self._since >= RENEWED_SECONDS and self._next in self._beaten:
            self.renew(moment)

    def hold(self, name: UUID) -> None:
        """Keeps a name alive for one claim more."""
        self._holds[name] += 1

    def let_go(self, name: UUID) -> None:
        """Ends the hold of one claim: its statement has ended, its result is confirmed, or it was given back."""
        self._holds[name] -= 1
        if self._holds[name] <= 0:
            del self._holds[name]

    def renew(self, moment: float) -> None:
        """Claims under a new name from now on."""
        self._current, self._next, self._since = self._next, uuid4(), moment
