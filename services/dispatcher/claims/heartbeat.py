"""The beat by which a dispatcher keeps its lease, its names alive, and hears of edits."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from asyncpg import InterfaceError

from services.dispatcher.claims import store
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.claims.lease import LEASE_SECONDS
from services.dispatcher.claims.store import ProviderState
from shared import logs
from shared.database import DATABASE_OUTAGES, Connection, Pool, describe
from shared.edits import EDITS_CHANNEL, LEASE, PROVIDERS_CHANNEL
from shared.health import Pulse
from shared.waiting import Backoff

BEAT_SECONDS = 1.0
# A beat that takes longer keeps nothing alive.
TIMEOUT_SECONDS = 2.0
# The first beat on a connection also prepares its statement.
FIRST_TIMEOUT_SECONDS = 2 * LEASE_SECONDS
GRACE = timedelta(seconds=2)
# A line for the first beat that fails, and for every so many after it.
FAILURES_A_LINE = 30

log = logs.get()


class Heartbeat:
    """The beat of this process, once a second and at once when the API hints at an edit. It has its own connection.

    `provider_timeout` returns the seconds of the longest request. `obey` gets what all dispatchers obey, and `reload`
    is called when the API asks for the providers file to be read again. `sending` is false while the process consumes
    no jobs; the sweeper of the planner reads it.
    """

    def __init__(
        self,
        pool: Pool,
        held: HeldClaims,
        *,
        provider_timeout: Callable[[], float],
        clock: Callable[[], float],
        obey: Callable[[Sequence[ProviderState], float], object] = lambda *_: None,
        reload: Callable[[], object] = lambda: None,
    ) -> None:
        self._pool = pool
        self._held = held
        self._clock = clock
        self._provider_timeout = provider_timeout
        self._obey = obey
        self._reload = reload
        self._process = uuid4()
        self._joined = False
        self._hinted = asyncio.Event()
        self.sending = True
        self.pulse = Pulse()

    @property
    def process(self) -> UUID:
        """The id of this process, which a fenced one changes."""
        return self._process

    async def run(self) -> None:
        """Beats until cancelled, on another connection whenever one fails."""
        backoff, failures = Backoff(), 0
        while True:
            self.pulse.beat()
            try:
                async with self._pool.acquire(timeout=FIRST_TIMEOUT_SECONDS) as connection:
                    try:
                        await connection.add_listener(EDITS_CHANNEL, self._hint)
                        await connection.add_listener(PROVIDERS_CHANNEL, self._reload_hint)
                        await self._beat(connection, FIRST_TIMEOUT_SECONDS)
                        backoff, failures = Backoff(), 0
                        await self._keep_beating(connection)
                    finally:
                        # It listens, or failed in the middle of something: nobody else may use it. One that was lost
                        # is in the pool again.
                        with contextlib.suppress(InterfaceError):
                            connection.terminate()
            except DATABASE_OUTAGES as error:
                if failures % FAILURES_A_LINE == 0:
                    log.warning("heartbeat delayed", failures=failures + 1, detail=describe(error))
                failures += 1
            await asyncio.sleep(backoff.next())

    async def leave(self) -> None:
        """Deletes the row of this process: no edit needs to wait for it any more."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await store.remove_process(self._pool, self._process)
        except DATABASE_OUTAGES as error:
            log.info("process row left behind", detail=describe(error))

    def _reload_hint(self, *_: object) -> None:
        self._reload()

    def _hint(self, *_: object) -> None:
        self._hinted.set()

    async def _keep_beating(self, connection: Connection) -> None:
        while True:
            with_edits = await self._beat(connection, TIMEOUT_SECONDS)
            if not with_edits:
                await self._until_next()

    async def _until_next(self) -> None:
        # Without a hint the next beat is due by its time.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                await self._hinted.wait()
        self._hinted.clear()

    async def _beat(self, connection: Connection, seconds: float) -> bool:
        """Beats once. Returns whether it brought edits that the API waits to see reported, by the next beat."""
        if not self._joined:
            await store.add_process(connection, self._process)
            self._joined = True
        self.pulse.beat()
        sent_at, names = self._clock(), self._held.names.alive
        beat = await store.beat(
            connection,
            self._process,
            self._held.heard.ids(sent_at),
            names,
            sending=self.sending,
            # A request begins under the lease, and may take its whole timeout.
            stale_after=LEASE + timedelta(seconds=self._provider_timeout()) + GRACE,
            seconds=seconds,
        )
        if not beat.known:
            await self._rejoin(connection)
            return True
        self._obey(beat.providers, sent_at)
        self._held.record_beat(sent_at, names)
        return self._held.hear(beat.edits)

    async def _rejoin(self, connection: Connection) -> None:
        """Goes on under a new id. An edit was answered without this process, so nothing that it holds may begin."""
        log.warning("process fenced", held=len(self._held))
        self._held.lose_lease()
        before, self._process = self._process, uuid4()
        self._joined = False
        await store.add_process(connection, self._process, instead_of=before)
        self._joined = True
