"""The limit of requests at once, exact over all dispatchers, by slots that each of them leases."""

from collections.abc import Callable

from services.dispatcher.admission.breaker import Ticket
from services.dispatcher.admission.rate_shares import RateWish
from services.dispatcher.admission.seen_leases import LeaseTerms

# A lease is not used any longer after its last renewal. Others have its slots once requests that began under it have
# ended, too, as long as the provider's timeout is not more than the difference.
USED_SECONDS = 4.0
TERMS = LeaseTerms(gone=14.0, unused=13.0)
# So many jobs are claimed ahead of their slots: a slot that is free is used at once, and who has none asks for some.
AHEAD = 1


class SlotLease:
    """The slots of this process, which can use `most` of the `total`. Moments are on the clock of the claims."""

    def __init__(self, total: int, most: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.total, self._most = total, most
        self._taken: set[Ticket] = set()
        self._slots = self._target = self._peak = 0
        self._until = float("-inf")
        self._hungry = False

    def set_total(self, total: int, most: int) -> None:
        """Takes another total. Slots that are too many by it are given back with the next lease."""
        self.total, self._most = total, most

    @property
    def hungry(self) -> bool:
        """Whether a request found no slot since the last wish."""
        return self._hungry

    @property
    def busy(self) -> bool:
        """Whether any slot was used since the last wish."""
        return max(self._peak, len(self._taken)) > 0

    @property
    def held(self) -> int:
        """Slots that this process has, or whose requests have not ended."""
        return max(self._slots, len(self._taken))

    def available(self, share: float = 1.0) -> int:
        """Returns how many requests may begin now, if so large a share of the slots is to be used; 0 or more."""
        slots = min(self._slots, self._target, self.total)
        if not slots or self._clock() >= self._until:
            return 0
        return max(max(int(slots * share), 1) - len(self._taken), 0)

    def claimable(self, share: float = 1.0) -> int:
        """Returns how many jobs may be claimed, if so large a share of the slots is to be used."""
        return max(self.available(share), AHEAD)

    def fits(self, share: float = 1.0) -> bool:
        """Says whether another request may begin now. If not, more slots are asked for."""
        fits = self.available(share) > 0
        self._hungry = self._hungry or not fits
        return fits

    def take(self, ticket: Ticket) -> None:
        """Takes the slot of a request that begins."""
        self._taken.add(ticket)
        self._peak = max(self._peak, len(self._taken))

    def done(self, ticket: Ticket) -> None:
        """Takes back the slot of a request that ended, or did not begin. The first call counts."""
        self._taken.discard(ticket)

    def wish(self, waiting: int) -> RateWish:
        """Returns how many slots could be used, by what happened since the last call."""
        in_use = max(self._peak, len(self._taken))
        wanted = self._most if self._hungry or waiting else in_use + in_use // 8
        self._peak, self._hungry = len(self._taken), False
        return RateWish(min(wanted, self._most, self.total))

    def give_back(self) -> int:
        """Gives back slots that are free and too many, and returns how many are kept."""
        self._slots = max(min(self._slots, self._target), len(self._taken))
        return self._slots

    def lease(self, slots: int, target: int, asked_at: float) -> None:
        """Has so many slots from now on. `target`: how many it is to have; the rest is given back when it is free."""
        self._slots, self._target, self._until = slots, target, asked_at + USED_SECONDS
