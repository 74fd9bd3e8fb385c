"""Which of the representations on offer a caller wants."""

from collections.abc import Sequence

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
EVENT_STREAM = "text/event-stream"


def choose(accept: str | None, offers: Sequence[str]) -> str:
    """Picks the offer the Accept header likes most; the first one wins a tie, and where nothing fits.

    A header that fits no offer is not refused: an answer in another format is more use than none.
    """
    ranges = [_range(part) for part in (accept or "*/*").split(",")]
    return max(offers, key=lambda offer: (_weight(offer, ranges), -offers.index(offer)))


def takes_gzip(accept_encoding: str | None) -> bool:
    """Returns whether a caller takes gzip: only those who name it, or everything, do."""
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
    """The quality of the most specific range that fits."""
    for wanted in (offer, offer.partition("/")[0] + "/*", "*/*"):
        found = [quality for media, quality in ranges if media == wanted]
        if found:
            return max(found)
    return 0.0
