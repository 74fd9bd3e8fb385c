"""Bounds the requests of one token that are worked on at once. The others of that token wait, the oldest first.

So a burst of one token delays the requests of that token, and hardly those of others.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

# Less than the pool of database connections has, so that one token leaves some to the others.
AT_WORK = 8


class TokenPlaces:
    """The places of one token. Requests that come back go before the new ones: they are nearly done."""

    def __init__(self) -> None:
        self._free = AT_WORK
        self._new = deque[asyncio.Future[None]]()
        self._back = deque[asyncio.Future[None]]()

    async def acquire(self, *, back: bool) -> None:
        """Waits for a place."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        (self._back if back else self._new).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # A turn that was given up before it came is passed over by `release`.
            if not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Hands a place to the next request."""
        for queue in (self._back, self._new):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1


@dataclass(slots=True)
class _Share:
    """What one token has: `requests` counts those at work and those that wait."""

    places: TokenPlaces = field(default_factory=TokenPlaces)
    requests: int = 0


@dataclass(slots=True)
class Place:
    """The place of one request, which it may leave for a while. `held` names the places that are taken."""

    _places: TokenPlaces
    _held: set[int]

    async def take(self, *, back: bool = False) -> None:
        """Waits until the token has a place. A request that comes `back` waits before the new ones."""
        await self._places.acquire(back=back)
        self._held.add(id(self))

    def leave(self) -> None:
        """Gives the place to the next request, unless it was left before."""
        if id(self) in self._held:
            self._held.remove(id(self))
            self._places.release()


class Shares:
    """The shares of all tokens with requests at the moment."""

    def __init__(self) -> None:
        self._shares: dict[str, _Share] = {}
        self._held = set[int]()

    def at_work(self) -> bool:
        """Returns whether any request holds a place."""
        return bool(self._held)

    @asynccontextmanager
    async def take(self, request: web.Request, name: str) -> AsyncIterator[None]:
        """Holds one of the places of a token while the block works on its request. Waits for it."""
        share = self._shares.setdefault(name, _Share())
        share.requests += 1
        place = request[PLACE] = Place(share.places, self._held)
        try:
            await place.take()
            yield
        finally:
            place.leave()
            share.requests -= 1
            if not share.requests:
                del self._shares[name]


@asynccontextmanager
async def aside(request: web.Request) -> AsyncIterator[None]:
    """Leaves the request's place to others while the block waits for something that is no work of this process."""
    place = request.get(PLACE)
    if place is None:
        yield
        return
    place.leave()
    yield
    await place.take(back=True)


SHARES = web.AppKey("shares", Shares)
PLACE = web.RequestKey("place", Place)
