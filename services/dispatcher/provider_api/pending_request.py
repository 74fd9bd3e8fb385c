"""One request to the provider, from the decision to send it until its reply or its deadline."""

from collections.abc import Callable
from typing import Protocol

from services.dispatcher.provider_api.replies import Reply


class RequestOwner(Protocol):
    """Whoever sends a request. It is called back in the turn of the loop in which something happens, and never raises.

    `may_begin` alone may raise. Of the other two, one is called, once, unless the request is cancelled.
    """

    def may_begin(self) -> bool:
        """Says whether the request may begin now: if so, its first byte is written in this turn of the loop."""

    def on_reply(self, reply: Reply) -> None:
        """Takes the reply, or what stands for it when none came."""

    def on_not_begun(self, error: Exception | None) -> None:
        """Learns that no byte was written, since `may_begin` said no, or raised `error`."""


class PendingRequest:
    """A request and whoever waits for its reply.

    `request` are its bytes, head and body. `deadline` is on the client's clock, in seconds. `slot` is where the wheel
    of deadlines keeps it. `abort` closes the connection that carries it, once it has begun.
    """

    __slots__ = ("abort", "deadline", "ended", "owner", "request", "slot")

    def __init__(self, request: bytes, deadline: float, owner: RequestOwner) -> None:
        self.request = request
        self.deadline = deadline
        self.owner = owner
        self.ended = False
        self.slot: set[PendingRequest] | None = None
        self.abort: Callable[[], None] | None = None

    def permits(self) -> bool:
        """Asks whether it may begin, and ends the request if not."""
        failure: Exception | None = None
        try:
            if self.owner.may_begin():
                return True
        except Exception as error:
            failure = error
        if self._end():
            self.owner.on_not_begun(failure)
        return False

    def answer(self, reply: Reply) -> None:
        """Ends the request with a reply, unless it has ended."""
        if self._end():
            self.owner.on_reply(reply)

    def leave(self) -> None:
        """Leaves its slot and its connection, which may carry another request from now on. Nobody is told."""
        self._end()

    def _end(self) -> bool:
        """Ends the request. Returns False if it had ended before."""
        if self.ended:
            return False
        self.ended = True
        self.abort = None
        if self.slot is not None:
            self.slot.discard(self)
            self.slot = None
        return True
