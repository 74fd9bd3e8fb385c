"""Requests of the provider's client that a test can wait for."""

import asyncio
from collections.abc import Callable

from services.dispatcher.provider_api.pending_request import PendingRequest, RequestOwner
from services.dispatcher.provider_api.replies import Reply


class NotBegun(Exception):
    """No byte of the request was written."""


class WaitingOwner:
    """Waits for one reply. `may_begin` is asked for leave."""

    def __init__(self, may_begin: Callable[[], bool] = lambda: True) -> None:
        self.may_begin = may_begin
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def on_reply(self, reply: Reply) -> None:
        self.reply.set_result(reply)

    def on_not_begun(self, error: Exception | None) -> None:
        self.reply.set_exception(error or NotBegun())


async def wait_for_reply(
    begin: Callable[[RequestOwner], PendingRequest | None],
    cancel: Callable[[PendingRequest], None],
    may_begin: Callable[[], bool] = lambda: True,
) -> Reply:
    """Begins a request and returns its reply. Raises NotBegun, or what `may_begin` raised."""
    owner = WaitingOwner(may_begin)
    pending = begin(owner)
    try:
        return await owner.reply
    except asyncio.CancelledError:
        if pending is not None:
            cancel(pending)
        raise
