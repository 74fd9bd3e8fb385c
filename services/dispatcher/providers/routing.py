"""Which providers a message may go through, and in which shares. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.providers.schema import ProvidersFile

# Of messages that a provider may catch up on after it was full: more would be a burst at its expense.
MOST_BEHIND = 200


@dataclass(slots=True)
class Pool:
    """The providers of one route. Those with a weight share its messages; those without stand by.

    Shares are kept exactly, not by chance: of each ten messages an 80:20 pool gives eight and two.
    """

    weights: Mapping[str, float]
    _credit: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        return tuple(self.weights)

    def pick(self, has_room: Callable[[str], bool], is_there: Callable[[str], bool]) -> str | None:
        """Picks the next of the providers with room, by weight; None if none has any.

        One that is there and full for the moment keeps its claim on what the others get meanwhile, up to a limit: it
        gets that as soon as it has room. One that is away leaves its share to the others.
        """
        there = [(name, weight) for name, weight in self.weights.items() if weight > 0 and is_there(name)]
        found = [name for name, _ in there if has_room(name)]
        if not found:
            return None
        total = sum(weight for _, weight in there)
        for name, weight in there:
            self._credit[name] = min(self._credit.get(name, 0.0) + weight, MOST_BEHIND * total)
        best = max(found, key=lambda name: self._credit[name])
        self._credit[best] = max(self._credit[best] - total, -MOST_BEHIND * total)
        return best

    def standby(self, usable: Callable[[str], bool]) -> str | None:
        """Picks the first usable provider that stands by; None if none is."""
        return next((name for name, weight in self.weights.items() if weight == 0 and usable(name)), None)


class Router:
    """The routes of a file, in order: the first that matches a message decides."""

    def __init__(self, routes: Iterable[tuple[frozenset[str] | None, Pool]]) -> None:
        self._routes = tuple(routes)

    def pool_of(self, operator_code: str) -> Pool:
        """Returns the pool of a message. The last route takes every message."""
        for codes, pool in self._routes:
            if codes is None or operator_code in codes:
                return pool
        raise LookupError("the last route takes every message")


def make_router(file: ProvidersFile) -> Router:
    """Makes the router of a file. Without routes all providers share everything."""
    if not file.routes:
        return Router([(None, Pool(dict.fromkeys(file.providers, 1.0)))])
    return Router(
        (
            None if route.when is None else frozenset(route.when.operator_codes),
            Pool({share.provider: share.weight for share in route.pool}),
        )
        for route in file.routes
    )
