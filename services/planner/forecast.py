"""Forecasts how many messages will not be sent before their mailing ends, at the present rate. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop


@dataclass(frozen=True, slots=True)
class MailingLoad:
    """The number of messages of a running mailing that may be sent now, and the seconds left to its end."""

    ready: int
    seconds_left: float


def messages_at_risk(loads: Sequence[MailingLoad], rate: float) -> list[int]:
    """Returns how many messages of each load are left when `rate` a second are sent, shared evenly by the mailings.

    A mailing leaves when it is done or at its end, and the others share what it had. `served` is how many messages
    each mailing still there has sent so far.
    """
    at_risk = [0] * len(loads)
    places = [place for place, load in enumerate(loads) if load.ready > 0]
    by_size = [(float(loads[place].ready), place) for place in places]
    by_end = [(max(loads[place].seconds_left, 0.0), place) for place in places]
    heapify(by_size)
    heapify(by_end)
    gone, served, moment = set[int](), 0.0, 0.0
    while len(gone) < len(places):
        _skip(by_size, gone)
        _skip(by_end, gone)
        each = rate / (len(places) - len(gone))
        (size, smallest), (end, first) = by_size[0], by_end[0]
        if each > 0 and moment + (size - served) / each <= end:
            moment, served = moment + (size - served) / each, size
            gone.add(smallest)
        else:
            served, moment = served + (end - moment) * each, end
            at_risk[first] = round(loads[first].ready - served)
            gone.add(first)
    return at_risk


def _skip(heap: list[tuple[float, int]], gone: set[int]) -> None:
    while heap[0][1] in gone:
        heappop(heap)
