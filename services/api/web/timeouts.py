"""How long the API waits for callers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds.

    `request`: for a whole answer that is not a stream. `body`: for the next piece of a request body. `reader`: for the
    caller to read a piece of an answer. `heartbeat`: how long an event stream may be silent.
    """

    request: float = 30
    body: float = 20
    reader: float = 30
    heartbeat: float = 15
