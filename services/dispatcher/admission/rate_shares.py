"""Shares the tokens of a provider's rate, or its slots, out between dispatchers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RateWish:
    """What one dispatcher could use: `wanted` tokens, and at least `need` at once for its largest message."""

    wanted: int
    need: int = 1


@dataclass(frozen=True, slots=True)
class HeldLease:
    """What one dispatcher has, by the table, and what it could use."""

    tokens: int
    wish: RateWish


def settle(
    process: UUID, held: int, wish: RateWish, leases: Mapping[UUID, HeldLease], total: int, turn: int
) -> tuple[int, int]:
    """Returns how many tokens a dispatcher has from now on that kept `held`, and how many it is to have.

    `leases` are those of all, as the table has them. It has no more than the table knows of, since others may have
    taken the rest; and it takes what they left, up to its share.
    """
    wishes = {name: lease.wish for name, lease in leases.items()} | {process: wish}
    mine = min(held, leases[process].tokens) if process in leases else 0
    others = sum(lease.tokens for name, lease in leases.items() if name != process)
    target = entitled(process, wishes, total, turn)
    return mine + max(min(target - mine, total - others - mine), 0), target


def entitled(process: UUID, wishes: Mapping[UUID, RateWish], total: int, turn: int) -> int:
    """Returns how many of `total` tokens a dispatcher is to have.

    All get the same, and what one cannot use goes to the others. What nobody could use is shared out all the same: who
    has it can begin at once. Where shares would be too little for a message, some have enough and the others nothing,
    in turns: `turn` is a number that grows by one with each.
    """
    shares = _shares(wishes, total, turn)
    each, more = divmod(total - sum(shares.values()), len(wishes))
    return shares.get(process, 0) + each + (sorted(wishes).index(process) < more)


def _shares(wishes: Mapping[UUID, RateWish], total: int, turn: int) -> dict[UUID, int]:
    """Returns the share of each dispatcher that could use some, up to what it could use."""
    hungry = sorted(name for name, wish in wishes.items() if wish.wanted > 0)
    if not hungry:
        return {}
    places = max(total // max(min(wishes[name].need, total) for name in hungry), 1)
    if len(hungry) > places:
        hungry = [hungry[(turn + place) % len(hungry)] for place in range(places)]
    shares, left = {}, total
    for place, name in enumerate(sorted(hungry, key=lambda name: (wishes[name].wanted, name))):
        shares[name] = min(wishes[name].wanted, left // (len(hungry) - place))
        left -= shares[name]
    return shares
