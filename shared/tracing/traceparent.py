"""The context of a trace in headers: W3C's traceparent, and several of them for a body with many results. Pure."""

import re
from collections.abc import Iterable, Mapping

# https://www.w3.org/TR/trace-context/: version, trace id, span id, and flags whose last bit says that it is sampled.
HEADER = "traceparent"
# Beside W3C's: one body tells of many messages, each of which has a trace of its own.
LIST_HEADER = "traceparents"
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def is_traceparent(text: str) -> bool:
    """Returns whether a text is a traceparent of W3C."""
    return _TRACEPARENT.fullmatch(text) is not None


def headers_of(traceparent: str | None) -> dict[str, str | int]:
    """Returns the headers of a body of one message: none without a trace."""
    return {} if traceparent is None else {HEADER: traceparent}


def kept(headers: Mapping[str, object]) -> dict[str, str | int]:
    """Returns what is kept of a body's headers when it is published again. The broker's own must not be."""
    found = headers.get(HEADER) if headers else None
    return {HEADER: found} if isinstance(found, str) else {}


def join_traceparents(by_place: Iterable[tuple[int, str | None]]) -> dict[str, str | int]:
    """Returns the headers of a body of many results: the traceparent of each that has one, by its place."""
    listed = ",".join(f"{place}={traceparent}" for place, traceparent in by_place if traceparent is not None)
    return {LIST_HEADER: listed} if listed else {}


def split_traceparents(headers: Mapping[str, object]) -> dict[int, str]:
    """Returns the traceparents of a body of many results, by place. What cannot be read is left out."""
    found = dict[int, str]()
    for part in str(headers.get(LIST_HEADER, "")).split(","):
        place, _, traceparent = part.partition("=")
        if place.isascii() and place.isdecimal() and len(place) < 5 and is_traceparent(traceparent):
            found[int(place)] = traceparent
    return found
