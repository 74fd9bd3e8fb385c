"""Shares the tokens of a provider's rate out between dispatchers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RateWish:
    """What one dispatcher could use: `wanted` tokens, and at least `need` at once for its largest message."""

    wanted: int
    need: int = 1


def entitled(process: UUID, wishes: Mapping[UUID, RateWish], total: int, turn: int) -> int:
    """Returns how many of `total` tokens a dispatcher is to have.

    All get the same, and what one cannot use goes to the others. Where that would be too little for a message, some
    have enough and the others nothing, in turns: `turn` is a number that grows by one with each.
    """
    hungry = sorted(name for name, wish in wishes.items() if wish.wanted > 0)
    if process not in hungry:
        return 0
    places = max(total // max(min(wishes[name].need, total) for name in hungry), 1)
    if len(hungry) > places:
        hungry = [hungry[(turn + place) % len(hungry)] for place in range(places)]
    left = total
    for place, name in enumerate(sorted(hungry, key=lambda name: (wishes[name].wanted, name))):
        share = min(wishes[name].wanted, left // (len(hungry) - place))
        if name == process:
            return share
        left -= share
    return 0
