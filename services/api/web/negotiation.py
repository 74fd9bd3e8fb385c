"""Selects the representation that a caller prefers."""

from collections.abc import Sequence

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
BYTES = "application/octet-stream"
EVENT_STREAM = "text/event-stream"


def choose(accept: str | None, offers: Sequence[str]) -> str:
    """Returns the offer that the Accept header prefers. The first offer wins a tie, and wins if none fits.

    A header that fits no offer is not refused: an answer in another format is more useful than none.
    """
    ranges = [_range(part) for part in (accept or "*/*").split(",")]
    return max(offers, key=lambda offer: (_weight(offer, ranges), -offers.index(offer)))


def takes_gzip(accept_encoding: str | None) -> bool:
    """Returns whether a caller accepts gzip, by name or with *."""
    given = dict(_range(part) for part in (accept_encoding or "").split(","))
    for name in ("gzip", "x-gzip", "*"):
        if name in given:
            return given[name] > 0
    return False


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media, _quality(value.strip())
    return media, 1.0


def _quality(value: str) -> float:
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


def _weight(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Returns the quality of the most specific range that fits an offer."""
    for wanted in (offer, offer.partition("/")[0] + "/*", "*/*"):
        found = [quality for media, quality in ranges if media == wanted]
        if found:
            return max(found)
    return 0.0
