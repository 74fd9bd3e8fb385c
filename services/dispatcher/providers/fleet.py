"""All providers of a process, and which of them gets a message."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.dispatcher.admission.hold_up import AwayCause
from services.dispatcher.claims.claim import Claim
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.routing import Pool, Router
from shared.providers.checks import uses_attributes

# A message without any provider to go to is looked at again after so long at the latest.
LONGEST_WAIT_SECONDS = 60.0
LEAST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Postponed:
    """No provider can take the message now: it is to wait in the table for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """No provider may ever take the message. `unsure`: the one that may have it is not in the file any more."""

    reason: str
    unsure: bool


Choice = Lane | Postponed | Undeliverable


class Fleet:
    """The lanes of all providers, by name, and the routes between them. It is replaced as a whole by a new file."""

    def __init__(self, lanes: Mapping[str, Lane], router: Router) -> None:
        self.lanes = lanes
        self._router = router
        # The lane, if there is but one.
        self.only = next(iter(lanes.values())) if len(lanes) == 1 else None
        # Whether any provider takes a repeated request for a new message.
        self.once = any(not lane.mapping.deduplicates for lane in lanes.values())
        # Whether any provider is told attributes of the client.
        self.attributes = any(uses_attributes(lane.mapping.config) for lane in lanes.values())

    @property
    def rate(self) -> float | None:
        """Requests a second over all providers; None if any has no rate."""
        rates = [lane.mapping.config.rate for lane in self.lanes.values()]
        return sum(rate for rate in rates if rate is not None) if None not in rates else None

    @property
    def at_its_rate(self) -> bool:
        """Whether a rate is used up just now."""
        return any(lane.limiter.available <= 0 for lane in self.lanes.values())

    def ahead(self, moment: float) -> int:
        """Returns how many jobs may be claimed that have no slot yet, less those that wait for one."""
        return sum(max(lane.ahead(moment) - lane.waiting, 0) for lane in self.lanes.values())

    def room(self, moment: float) -> int:
        """Returns how many jobs may be claimed now, over all providers."""
        return sum(lane.claimable(moment) for lane in self.lanes.values())

    def away(self, moment: float) -> float:
        """Returns for how many seconds nothing can be sent at all; 0 while any provider takes messages."""
        return min((lane.away(moment) or lane.held(moment) for lane in self.lanes.values()), default=0.0)

    def why_away(self, moment: float) -> AwayCause:
        """Returns what keeps the provider away that is to be back first."""
        first = min(self.lanes.values(), key=lambda lane: lane.away(moment) or lane.held(moment))
        state = first.state(moment)
        return state if state in ("drained", "held") else "breaker"

    def choose(self, claim: Claim, moment: float) -> Choice:
        """Chooses the provider of a claimed message.

        One that may have it already keeps it. A retry stays with its provider unless that is away. Else the weights
        of the route decide among those with room, and those with a weight of 0 stand by until all others are away.
        """
        only = self.only
        if only is not None and claim.provider in (None, only.name) and only.name not in claim.refused:
            return only if not only.holds.drained and not only.held(moment) else _postponed(only.away(moment))
        if claim.unsure and claim.provider is not None:
            return self._stay(claim.provider, moment)
        pool = self._router.pool_of(claim.operator_code)
        left = [name for name in pool.names if name not in claim.refused]
        if not left:
            return Undeliverable("refused by every provider of the route", unsure=False)
        if claim.provider in left and not self.lanes[claim.provider].away(moment):
            return self._unless_held(self.lanes[claim.provider], moment)
        return self._pick(pool, frozenset(left), moment)

    def others(self, claim: Claim, lane: Lane) -> bool:
        """Says whether another provider of the route could take a message that this one refuses."""
        refused = {*claim.refused, lane.name}
        return any(name not in refused for name in self._router.pool_of(claim.operator_code).names)

    def _stay(self, name: str, moment: float) -> Choice:
        lane = self.lanes.get(name)
        if lane is None:
            return Undeliverable(f"outcome unknown: provider {name} is gone", unsure=True)
        away = lane.away(moment)
        return _postponed(away) if away else self._unless_held(lane, moment)

    def _pick(self, pool: Pool, left: frozenset[str], moment: float) -> Choice:
        def has_room(name: str) -> bool:
            return name in left and self.lanes[name].room(moment) > 0

        def is_there(name: str) -> bool:
            return name in left and not self.lanes[name].away(moment)

        name = (
            pool.pick(has_room, is_there)
            or pool.pick(is_there, is_there)
            or pool.standby(has_room)
            or pool.standby(is_there)
        )
        if name is None:
            return _postponed(min(self.lanes[name].away(moment) for name in left))
        return self._unless_held(self.lanes[name], moment)

    def _unless_held(self, lane: Lane, moment: float) -> Choice:
        held = lane.held(moment)
        return _postponed(held) if held else lane


def _postponed(seconds: float) -> Postponed:
    return Postponed(min(max(seconds, LEAST_WAIT_SECONDS), LONGEST_WAIT_SECONDS))
