"""One request to the provider, from the decision to send it until its reply or its deadline."""

import asyncio
from collections.abc import Callable

from services.dispatcher.provider_api.replies import Reply


class NotBegun(Exception):
    """No byte of the request was written: `may_begin` said no, or its deadline had come before anything was tried."""


class PendingRequest:
    """A request and the future of its reply.

    `request` are its bytes, head and body. `deadline` is on the client's clock, in seconds. `may_begin` is asked in
    the turn of the loop in which the first byte would be written. `slot` is where the wheel of deadlines keeps it.
    `abort` closes the connection that carries it, once it has begun.
    """

    __slots__ = ("abort", "deadline", "may_begin", "outcome", "request", "slot")

    def __init__(
        self, request: bytes, deadline: float, may_begin: Callable[[], bool], outcome: asyncio.Future[Reply]
    ) -> None:
        self.request = request
        self.deadline = deadline
        self.may_begin = may_begin
        self.outcome = outcome
        self.slot: set[PendingRequest] | None = None
        self.abort: Callable[[], None] | None = None

    def permits(self) -> bool:
        """Asks `may_begin`, and ends the request if that says no or fails."""
        try:
            if self.may_begin():
                return True
        except Exception as error:
            self.fail(error)
        else:
            self.fail(NotBegun())
        return False

    def answer(self, reply: Reply) -> None:
        """Ends the request with a reply, unless it has ended."""
        self.leave()
        if not self.outcome.done():
            self.outcome.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Ends the request with an exception, unless it has ended."""
        self.leave()
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def leave(self) -> None:
        """Leaves its slot and its connection, which may carry another request from now on."""
        self.abort = None
        if self.slot is not None:
            self.slot.discard(self)
            self.slot = None
