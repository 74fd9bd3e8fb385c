"""A small HTTP/1.1 client for one origin: POST over kept-alive connections, one request at a time on each.

Nothing is repeated, redirected, or sent before the reply to what went before. What became of a request is always
known as well as it can be: nothing of it was written, or it may have arrived.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from services.dispatcher.provider_api.connection import Connection
from services.dispatcher.provider_api.deadlines import DeadlineWheel
from services.dispatcher.provider_api.dialer import Dialer, NotConnected
from services.dispatcher.provider_api.origin import ProviderOrigin
from services.dispatcher.provider_api.pending_request import PendingRequest, RequestOwner
from services.dispatcher.provider_api.replies import Reply
from shared import logs

# Servers close connections that are idle; a request that crosses such a close may have arrived, for all we can tell.
IDLE_SECONDS = 15.0
# A connection is given up this much before the server said that it will close it.
HINT_MARGIN_SECONDS = 1.0
PRUNE_SECONDS = 5.0
MOST_DIALLED = 100

log = logs.get()


class HttpClient:
    """A client that POSTs to one origin.

    At most `most_open` connections are open, and at most `most_dialled` are being made. `clock` returns seconds, and
    is the clock of deadlines; the loop's by default.
    """

    def __init__(
        self,
        origin: ProviderOrigin,
        *,
        most_open: int,
        most_dialled: int = MOST_DIALLED,
        clock: Callable[[], float] | None = None,
        dialer: Dialer | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._encrypted = origin.encrypted
        self._host = f"Host: {origin.authority}\r\n".encode()
        self._dialer = dialer or Dialer(origin)
        self._most_open = most_open
        self._most_dialled = most_dialled
        self._wheel = DeadlineWheel(self._clock, self._expire)
        self._waiting: dict[PendingRequest, None] = {}
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._dials: set[asyncio.Task[None]] = set()
        self._pruning: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return len(self._open)

    def begin(
        self, path: bytes, body: bytes, headers: bytes, *, deadline: float, owner: RequestOwner
    ) -> PendingRequest | None:
        """POSTs a body. `owner` gets the reply at `deadline` at the latest. Every failure is a reply, too.

        It is asked whether the request may begin in the turn of the loop in which the first byte is written to an
        established connection, just before that; that may be in this call. If it says no, or the deadline has come,
        nothing is written. `headers` are encoded lines. Returns what can be cancelled; None if it has ended already.
        """
        if deadline <= self._clock():
            owner.on_not_begun(None)
            return None
        head = b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n" % (path, self._host, headers, len(body))
        pending = PendingRequest(head + body, deadline, owner)
        self._place(pending)
        return None if pending.ended else pending

    def cancel(self, pending: PendingRequest) -> None:
        """Ends a request without a reply: its connection is closed if it has begun."""
        self._waiting.pop(pending, None)
        if pending.abort is not None:
            pending.abort()
        pending.leave()

    async def close(self) -> None:
        """Closes all connections. Requests under way end as broken, those that had not begun as unreachable."""
        self._wheel.close()
        if self._pruning is not None:
            self._pruning.cancel()
        dials = tuple(self._dials)
        for dial in dials:
            dial.cancel()
        for pending in tuple(self._waiting):
            pending.answer(Reply("unreachable", detail="closed by ourselves"))
        self._waiting.clear()
        for connection in tuple(self._open):
            connection.give_up()
        await asyncio.gather(*dials, return_exceptions=True)
        self._dialer.close()

    # What the connections call.

    def on_free(self, connection: Connection) -> None:
        """Gives a connection to the request that has waited longest, or keeps it."""
        connection.free_since = self._loop.time()
        self._serve(connection)

    def on_closed(self, connection: Connection) -> None:
        """Forgets a connection that is gone."""
        self._open.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
        self._dial_more()

    def _place(self, pending: PendingRequest) -> None:
        """Begins a request on a kept connection, or lets it wait for one."""
        connection = None if self._waiting else self._take_idle()
        if connection is not None:
            if pending.permits():
                self._wheel.add(pending)
                connection.begin(pending)
            else:
                self._idle.append(connection)
            return
        self._wheel.add(pending)
        self._waiting[pending] = None
        self._dial_more()

    def _serve(self, connection: Connection) -> None:
        while self._waiting:
            pending = next(iter(self._waiting))
            del self._waiting[pending]
            if pending.permits():
                connection.begin(pending)
                return
        self._idle.append(connection)
        if self._pruning is None:
            self._pruning = self._loop.call_later(PRUNE_SECONDS, self._prune)

    def _take_idle(self) -> Connection | None:
        """Takes the connection that was used last. One that the server has closed meanwhile is replaced."""
        while self._idle:
            connection = self._idle.pop()
            if not self._outdated(connection) and connection.usable():
                return connection
            connection.abort()
        return None

    def _outdated(self, connection: Connection) -> bool:
        keeps_for = IDLE_SECONDS
        if connection.keeps_for is not None:
            keeps_for = min(connection.keeps_for - HINT_MARGIN_SECONDS, IDLE_SECONDS)
        return self._loop.time() - connection.free_since >= keeps_for

    def _prune(self) -> None:
        """Closes connections that were idle for too long."""
        outdated = [connection for connection in self._idle if self._outdated(connection)]
        for connection in outdated:
            self._idle.remove(connection)
            connection.abort()
        self._pruning = self._loop.call_later(PRUNE_SECONDS, self._prune) if self._idle else None

    def _dial_more(self) -> None:
        """Begins as many connections as requests wait for, within the bounds."""
        while (
            len(self._dials) < min(len(self._waiting), self._most_dialled)
            and len(self._open) + len(self._dials) < self._most_open
        ):
            dial = self._loop.create_task(self._dial())
            self._dials.add(dial)
            dial.add_done_callback(self._dialled)

    def _dialled(self, dial: asyncio.Task[None]) -> None:
        self._dials.discard(dial)
        if not dial.cancelled():
            self._dial_more()

    async def _dial(self) -> None:
        """Makes one connection. One that fails ends one request: that which has waited longest."""
        try:
            connection = await self._dialer.dial(lambda: Connection(self, encrypted=self._encrypted))
        except NotConnected as error:
            self._refuse_first(str(error))
        except Exception as error:
            log.error("connection not made", exc_info=error)
            self._refuse_first(type(error).__name__)
        else:
            if connection.usable():
                self._open.add(connection)
                self.on_free(connection)
            else:
                connection.abort()
                self._refuse_first("connection closed at once")

    def _refuse_first(self, detail: str) -> None:
        if self._waiting:
            pending = next(iter(self._waiting))
            del self._waiting[pending]
            pending.answer(Reply("unreachable", detail=detail))

    def _expire(self, pending: PendingRequest) -> None:
        """Ends a request whose deadline has come; its connection cannot be used again."""
        self._waiting.pop(pending, None)
        if pending.abort is None:
            pending.answer(Reply("unreachable", detail="no connection in time"))
            return
        pending.abort()
        pending.answer(Reply("timeout", detail="no reply in time"))
