"""One kept-alive connection to the provider: a request, its reply, and then the next request."""

import asyncio
import select
from typing import Protocol, cast

from services.dispatcher.provider_api.pending_request import PendingRequest
from services.dispatcher.provider_api.replies import Reply
from services.dispatcher.provider_api.reply_parser import MalformedReply, ReplyParser

# The server has closed its side. Linux alone says so before it is read.
_HUNG_UP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class ConnectionOwner(Protocol):
    """Whoever lends connections out."""

    def on_free(self, connection: "Connection") -> None:
        """Takes a connection back whose reply was whole, for the next request."""

    def on_closed(self, connection: "Connection") -> None:
        """Forgets a connection that is gone."""


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time. `free_since` is when the last one ended."""

    def __init__(self, owner: ConnectionOwner, *, encrypted: bool) -> None:
        self._owner = owner
        self._encrypted = encrypted
        self._transport: asyncio.Transport | None = None
        self._pending: PendingRequest | None = None
        self._parser = ReplyParser()
        self._poll = select.poll()
        self.free_since = 0.0

    @property
    def keeps_for(self) -> float | None:
        """For how many seconds the server keeps the connection after a reply, if it said so."""
        return self._parser.keeps_for

    def usable(self) -> bool:
        """Returns whether a request may be written: the server has neither closed its side nor sent anything unasked.

        What the kernel knows is asked, since the loop may not have read it yet.
        """
        if self._transport is None or self._transport.is_closing():
            return False
        return not self._poll.poll(0)

    def begin(self, pending: PendingRequest) -> None:
        """Writes the request of a request, which ends with its reply or with the connection."""
        self._pending = pending
        pending.abort = self.abort
        self._parser.begin()
        if self._transport is not None:
            self._transport.write(pending.request)

    def abort(self) -> None:
        """Closes the connection at once. The request under way is left to the caller."""
        self._pending = None
        if self._transport is not None:
            self._transport.abort()

    def give_up(self) -> None:
        """Closes the connection at once, and ends the request under way as one that may have arrived."""
        pending = self._pending
        self.abort()
        if pending is not None:
            pending.answer(Reply("broken", detail="closed by ourselves"))

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Behind TLS, bytes may be no more than a session ticket; a plain connection that nobody asked has none.
        events = _HUNG_UP if self._encrypted else _HUNG_UP | select.POLLIN
        self._poll.register(transport.get_extra_info("socket").fileno(), events)

    def data_received(self, data: bytes) -> None:
        if self._pending is None:
            # Nobody asked. Whatever it is, the next reply could not be told from it.
            self.abort()
            return
        try:
            reply = self._parser.feed(data)
        except MalformedReply as error:
            self._finish(Reply("broken", detail=str(error)), keep=False)
        else:
            if reply is not None:
                self._finish(reply, keep=self._parser.reusable)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        transport, self._transport = self._transport, None
        if self._pending is not None:
            reply = self._parser.end() if error is None else None
            self._finish(reply or Reply("broken", detail=_words(error)), keep=False)
        if transport is not None:
            self._owner.on_closed(self)

    def _finish(self, reply: Reply, *, keep: bool) -> None:
        pending, self._pending = self._pending, None
        transport = self._transport
        if pending is not None:
            pending.answer(reply)
        if transport is None:
            return
        if keep and not transport.is_closing() and transport.get_write_buffer_size() == 0:
            self._owner.on_free(self)
        else:
            transport.abort()


def _words(error: Exception | None) -> str:
    return "connection closed" if error is None else type(error).__name__
