"""Gives claims back whose requests did not begin, many in one statement, however long the database is away."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.dispatcher.claimed_job import ClaimedJob
from services.dispatcher.claims import store
from services.dispatcher.claims.held_claims import GiveBackReason
from services.dispatcher.claims.names import ClaimNames
from services.dispatcher.claims.store import GivenBack
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.metrics import Metrics
from services.dispatcher.providers import store as provider_store
from shared import logs
from shared.database import COLLISIONS, DATABASE_OUTAGES, Pool, describe
from shared.health import Pulse
from shared.waiting import Backoff

MOST_AT_ONCE = 500
FLUSH_PAUSE_SECONDS = 0.01

log = logs.get()


@dataclass(frozen=True, slots=True)
class _GiveBack:
    claimed: ClaimedJob
    reason: GiveBackReason
    # For so long it waits in the table; None: it is claimed again at once.
    postponed: float | None


class GiveBacks:
    """Claims to be given back, and their jobs, which are then claimed again.

    A claim that stayed open under a live name would never be taken over.
    """

    def __init__(self, pool: Pool, names: ClaimNames, intake: Intake, metrics: Metrics) -> None:
        self._pool = pool
        self._names = names
        self._intake = intake
        self._metrics = metrics
        self._waiting: list[_GiveBack] = []
        self._added = asyncio.Event()
        self._busy = False
        self.pulse = Pulse()

    @property
    def outstanding(self) -> int:
        """Claims that are not given back yet."""
        return len(self._waiting) + self._busy

    def add(self, claimed: ClaimedJob, reason: GiveBackReason, postponed: float | None = None) -> None:
        """Adds a claim. Its name is kept alive until it is given back. `postponed`: then it waits in the table."""
        self._metrics.given_back[reason].inc()
        self._waiting.append(_GiveBack(claimed, reason, postponed))
        self._added.set()

    async def run(self) -> None:
        """Gives back what is added, until cancelled."""
        while True:
            self.pulse.rest()
            await self._added.wait()
            self._added.clear()
            while self._waiting:
                await self._give_back()

    async def flush(self, seconds: float) -> None:
        """Waits until everything is given back, for `seconds` at most. What is left falls stale."""
        try:
            async with asyncio.timeout(seconds):
                # A poll, since it is at shutdown only.
                while self.outstanding:  # noqa: ASYNC110
                    await asyncio.sleep(FLUSH_PAUSE_SECONDS)
        except TimeoutError:
            log.error("claims not given back", claims=self.outstanding)

    async def _give_back(self) -> None:
        batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        self._busy = True
        try:
            await self._write(batch)
        finally:
            self._busy = False
        _log(batch)
        for one in batch:
            self._names.let_go(one.claimed.terms.name)
            if one.postponed is not None:
                one.claimed.delivery.ack()
                continue
            delivered = DeliveredJob(one.claimed.delivery, one.claimed.job)
            # Claimed again at once, unless it would only fail again.
            (self._intake.set_aside if one.reason == "error" else self._intake.put_first)(delivered)

    async def _write(self, batch: Sequence[_GiveBack]) -> None:
        """Writes until the database has it. Where it refuses, the claims fall stale once their name is silent."""
        backoff, delayed = Backoff(), False
        claims = [_given_back(one) for one in batch if one.postponed is None]
        late = [one for one in batch if one.postponed is not None]
        while True:
            self.pulse.beat()
            try:
                if claims:
                    await store.give_back(self._pool, claims)
                if late:
                    asked, seconds = [one.claimed.job.attempt for one in late], [one.postponed or 0.0 for one in late]
                    await provider_store.postpone(self._pool, [_given_back(one) for one in late], asked, seconds)
                return
            except (*DATABASE_OUTAGES, *COLLISIONS) as error:
                if not delayed:
                    log.warning("give-back delayed", claims=len(batch), detail=describe(error))
                delayed = True
            except Exception as error:
                log.error("claims not given back", claims=len(batch), exc_info=error)
                return
            await asyncio.sleep(backoff.next())


def _given_back(one: _GiveBack) -> GivenBack:
    claim = one.claimed.claim
    return GivenBack(one.claimed.terms.name, claim.message_id, claim.number, claim.claimed_at)


def _log(batch: Sequence[_GiveBack]) -> None:
    by_reason: dict[GiveBackReason, list[ClaimedJob]] = defaultdict(list)
    for one in batch:
        by_reason[one.reason].append(one.claimed)
    for reason, claims in by_reason.items():
        mailing_ids = sorted({claimed.job.mailing_id for claimed in claims})
        for ids in logs.in_lines([claimed.job.message_id for claimed in claims]):
            log.info("claims given back", reason=reason, message_ids=ids, mailing_ids=mailing_ids)
