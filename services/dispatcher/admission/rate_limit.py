"""The limit of messages or segments per second: exact over all dispatchers, by tokens that each of them leases.

A token allows one message, or one segment, in each window of time. It is free again a window after the latest moment at
which its request can have reached the provider. So in no window can more arrive than there are tokens, however long a
process or the network held a request up.
"""

import math
from bisect import bisect_right, insort
from collections.abc import Callable

# A lease is not used any longer after its last renewal, and given to others after twice that.
LEASE_SECONDS = 5.0
# How far ahead of their tokens jobs are claimed: as long as a claim takes, within these bounds, and so many at least.
LEAST_AHEAD_SECONDS, MOST_AHEAD_SECONDS, LEAST_AHEAD = 0.05, 1.0, 2
# For what two moments differ by that are measured at two places.
GUARD = 1.002
# The shortest time of so many requests is what each takes at least, but for so much that lies now before and now after
# its arrival.
LEAST_SEEN, SLACK_SECONDS = 20, 0.01
# Until the shortest time that a request took is forgotten: far longer than a provider, or this machine, is busy.
USUAL_SECONDS = 600.0
# Of the mean time, about the last 32 requests.
MEAN_SHARE = 1 / 32
# A delivery must not wait here for long: other mailings wait behind it, and after 30 min the broker takes it back.
PREFETCH_SECONDS = 5
UNLIMITED = 1_000_000
# Jobs that are claimed ahead of their slots, and results on their way to the broker, at a few thousand a second.
MOST_BESIDE_SLOTS = 400


class RateGrant:
    """The tokens that one request has until it ends. `at` is when its first byte was written, at the earliest."""

    __slots__ = ("at", "tokens", "units")

    def __init__(self, tokens: int, units: int, at: float) -> None:
        self.tokens = tokens
        self.units = units
        self.at = at

    def begin(self, moment: float) -> None:
        """Notes that the first byte is written only now: it waited for a connection."""
        self.at = moment


class RateLimit:
    """The tokens of this process. Moments are seconds on the clock of the claims."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.total, self.window = 1, 1.0
        self.set_rate(rate)
        # When each token that no request has is free, in order.
        self._free: list[float] = []
        self._used = 0
        self._leased = 0
        self._until = float("-inf")
        self._ahead = LEAST_AHEAD_SECONDS
        self._hungry = False
        self._need = 1
        # The shortest time that requests took in the last seconds, and in those before.
        self._shortest = self._shortest_before = math.inf
        self._shortest_at, self._seen = clock(), 0
        self._mean = 0.0
        self.target = 0

    def set_rate(self, rate: float) -> None:
        """Takes another rate. Tokens that are too many by it are given back with the next lease."""
        whole = max(int(rate), 1)
        # One in a hundred is kept back, for what arrives later than anybody could know.
        self.total, self.window = whole - whole // 100, whole / rate

    @property
    def hungry(self) -> bool:
        """Whether a message found too few tokens since the last wish."""
        return self._hungry

    @property
    def held(self) -> int:
        """Tokens that this process has."""
        return len(self._free) + self._used

    @property
    def busy(self) -> bool:
        """Whether any token was used within a window."""
        return self._used > 0 or (bool(self._free) and self._free[-1] > self._clock())

    @property
    def available(self) -> int:
        """Tokens that may be used now."""
        return self._free_at(self._clock())

    @property
    def claimable(self) -> int:
        """How many jobs may be claimed for tokens that are free soon."""
        return max(self._free_at(self._clock() + self._ahead), LEAST_AHEAD)

    def fits(self, units: int) -> bool:
        """Says whether a message of so many units may begin now. If not, more tokens are asked for."""
        wanted = min(units, self.total)
        fits = self.available >= wanted
        if not fits:
            self._hungry = True
            self._need = max(self._need, wanted)
        return fits

    def take(self, units: int) -> RateGrant:
        """Takes the tokens of a message: one for each unit, or all that there are."""
        tokens = min(units, self.total, len(self._free))
        del self._free[:tokens]
        self._used += tokens
        return RateGrant(tokens, units, self._clock())

    def put_back(self, grant: RateGrant) -> None:
        """Puts back the tokens of a request that did not begin."""
        self._return(grant, self._clock())

    def done(self, grant: RateGrant, *, slow: bool = False) -> None:
        """Takes back the tokens of a request that ended, free a window later; twice that while it is to be slow."""
        if not grant.tokens:
            return
        moment = self._clock()
        latest = grant.at + self._lateness(moment - grant.at, moment)
        # What a message takes beyond all tokens is paid for in time.
        window = self.window * max(grant.units / grant.tokens if grant.units > self.total else 1.0, 1.0)
        self._return(grant, latest + window * (2 if slow else GUARD))

    def _lateness(self, seconds: float, moment: float) -> float:
        """Returns how much later than usual a request may have arrived.

        A provider that always takes its time gets every request as much later, which changes nothing. One that takes
        now little and now much may have got a request late. So what all requests took at least counts for less, the
        more they differ, and that the rate is less used then is the price.
        """
        if moment - self._shortest_at > USUAL_SECONDS and self._seen >= LEAST_SEEN:
            self._shortest_before, self._shortest = self._shortest, math.inf
            self._shortest_at, self._seen = moment, 0
        self._seen += 1
        self._shortest = min(self._shortest, seconds)
        known = self._seen >= LEAST_SEEN or self._shortest_before < math.inf
        shortest = min(self._shortest, self._shortest_before)
        usual = 2 * shortest - max(self._mean, shortest) - SLACK_SECONDS if known else 0.0
        self._mean += (seconds - self._mean) * max(MEAN_SHARE, 1 / self._seen if not known else 0.0)
        return seconds - max(usual, 0.0)

    def _return(self, grant: RateGrant, free_at: float) -> None:
        for _ in range(grant.tokens):
            insort(self._free, free_at)
        self._used -= grant.tokens
        grant.tokens = 0

    def allow_for(self, seconds: float) -> None:
        """Has jobs claimed so long ahead of their tokens, since that is how long a claim takes."""
        self._ahead = min(max(1.5 * seconds, LEAST_AHEAD_SECONDS), MOST_AHEAD_SECONDS)

    def wish(self, waiting: int) -> tuple[int, int]:
        """Returns how many tokens could be used, and how many a message needs, since the last call."""
        in_use = self.held - bisect_right(self._free, self._clock())
        wanted = self.total if self._hungry or waiting else in_use + in_use // 8
        need, self._hungry, self._need = self._need, False, 1
        return min(wanted, self.total), need

    def give_back(self) -> int:
        """Gives back tokens that are free and too many, and returns how many are kept."""
        del self._free[: min(self._too_many, bisect_right(self._free, self._clock()))]
        return self.held

    def lease(self, tokens: int, target: int, asked_at: float) -> None:
        """Has so many tokens from now on. `target`: how many it is to have; the rest is given back when it is free.

        Those of requests that are under way stay with them, and are too many if others have them by now.
        """
        moment = self._clock()
        if asked_at - self._until > LEASE_SECONDS:
            # Nobody counted on the tokens of a lease that ran out long ago.
            self._free.clear()
        # New ones are spread over a window, so that they do not go out at once, now and in each window from now on.
        new = max(tokens - self.held, 0)
        for place in range(new):
            insort(self._free, moment + self.window * place / new)
        # Those that are free last are lost first: nobody can use them earlier.
        del self._free[max(tokens - self._used, 0) :]
        self._leased, self.target, self._until = tokens, target, asked_at + LEASE_SECONDS

    @property
    def _too_many(self) -> int:
        """Tokens that rest as soon as they are free, until they are given back."""
        return max(self.held - min(self._leased, self.target, self.total), 0)

    def _free_at(self, moment: float) -> int:
        if self._clock() >= self._until:
            return 0
        return max(bisect_right(self._free, moment) - self._too_many, 0)


class NoLimit(RateLimit):
    """The limit that is none."""

    def __init__(self) -> None:
        super().__init__(UNLIMITED, lambda: 0.0)

    @property
    def available(self) -> int:
        return UNLIMITED

    @property
    def busy(self) -> bool:
        return False

    @property
    def claimable(self) -> int:
        return UNLIMITED

    def fits(self, units: int) -> bool:
        return True

    def take(self, units: int) -> RateGrant:
        return NO_GRANT

    def done(self, grant: RateGrant, *, slow: bool = False) -> None:
        """Takes nothing back."""

    def put_back(self, grant: RateGrant) -> None:
        """Puts nothing back."""

    def allow_for(self, seconds: float) -> None:
        """Claims nothing ahead."""


NO_GRANT = RateGrant(0, 0, 0.0)


def make_limit(rate: float | None, clock: Callable[[], float]) -> RateLimit:
    """Makes the limit to `rate` messages or segments a second; None is unlimited. It has no tokens yet."""
    return NoLimit() if rate is None else RateLimit(rate, clock)


def prefetch(concurrency: int, rate: float | None) -> int:
    """Returns how many deliveries to hold: enough for every slot to find its next job, no more than are sent soon.

    A delivery is held until its result is confirmed, too, which a fast provider makes a large part of the time.
    """
    most = 2 * concurrency + min(4 * concurrency, MOST_BESIDE_SLOTS)
    return most if rate is None else min(most, math.ceil(PREFETCH_SECONDS * rate))
