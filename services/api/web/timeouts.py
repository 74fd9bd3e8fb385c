"""How long the API waits for those on the other end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds.

    `request`: for an answer that is no stream, in all. `body`: for the next piece of a body. `reader`: for somebody to
    take a piece of an answer. `heartbeat`: how long an event stream is silent.
    """

    request: float = 30
    body: float = 20
    reader: float = 30
    heartbeat: float = 15
