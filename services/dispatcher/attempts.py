"""The attempts under way: each is started with its claim, and leaves a result, or its claim to be given back."""

import asyncio
from collections import deque
from functools import partial

from msgspec.structs import replace

from services.dispatcher.attempt import AttemptRun, AttemptTools
from services.dispatcher.attempt_result import build_unsent
from services.dispatcher.claimed_job import ClaimedJob
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.claim_size import ClaimSize
from services.dispatcher.claims.give_backs import GiveBacks
from services.dispatcher.claims.held_claims import GiveBackReason
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.providers.lane import Lane
from services.dispatcher.result_buffer import ResultBuffer
from shared import logs
from shared.messages import Result

WAITING_SECONDS = 0.005

log = logs.get()


class RunningAttempts:
    """The attempts under way. `freed` is set whenever one has ended, and `size` follows how many begin in time."""

    def __init__(
        self,
        tools: AttemptTools,
        results: ResultBuffer,
        give_backs: GiveBacks,
        intake: Intake,
        size: ClaimSize,
        *,
        concurrency: int,
    ) -> None:
        self._tools = tools
        self._held = tools.held
        self._results = results
        self._give_backs = give_backs
        self._intake = intake
        self._running: set[AttemptRun] = set()
        # Those whose lane has no room yet. They hold their claims.
        self._waiting: dict[Lane, deque[AttemptRun]] = {}
        self._someone_waits = asyncio.Event()
        self._stopping = False
        self._concurrency = concurrency
        self._starts: asyncio.Handle | None = None
        self.size = size
        self.freed = asyncio.Event()

    @property
    def under_way(self) -> int:
        """RunningAttempts that have not ended."""
        return len(self._running)

    def fits(self, lane: Lane, moment: float, text: str) -> bool:
        """Says whether the request of a message may begin now."""
        return len(self._running) < self._concurrency and lane.fits(moment, text)

    def start(self, claimed: ClaimedJob, lane: Lane, *, wait: bool = False) -> None:
        """Starts the attempt of a claim, or gives the claim back if it is void by now. Raises nothing.

        With `wait` it starts as soon as its lane has room.
        """
        self._held.names.hold(claimed.terms.name)
        void = "stop" if self._stopping else self._held.void(claimed.terms, claimed.claim)
        if void is not None:
            self._give_back(claimed, void)
            return
        attempt = AttemptRun(self._tools, claimed, lane, self._ended)
        self._held.hold(claimed, attempt.cancel)
        if wait:
            self._waiting.setdefault(lane, deque()).append(attempt)
            self._someone_waits.set()
            lane.waiting += 1
        else:
            self._begin(attempt)

    def postpone(self, claimed: ClaimedJob, seconds: float) -> None:
        """Gives a claim back whose provider is away: it waits in the table for so many seconds."""
        self._held.names.hold(claimed.terms.name)
        self._give_backs.add(claimed, "away", seconds)

    async def start_in_time(self) -> None:
        """Starts what waits for room as soon as there is some, until cancelled: tokens of a rate come one by one."""
        while True:
            await self._someone_waits.wait()
            self._someone_waits.clear()
            while self._waiting:
                self.start_waiting(self._tools.clock())
                await asyncio.sleep(WAITING_SECONDS)

    def start_waiting(self, moment: float) -> None:
        """Starts what waited for room. What waits for a lane that is away by now is given back."""
        for lane, attempts in list(self._waiting.items()):
            away = lane.away(moment) or lane.held(moment)
            while attempts and (away or attempts[0].ended or self.fits(lane, moment, attempts[0].claimed.claim.text)):
                attempt = attempts.popleft()
                lane.waiting -= 1
                if attempt.ended:
                    continue
                if away:
                    self._held.fail(attempt.claimed, "away")
                    attempt.cancel()
                else:
                    self._begin(attempt)
            if not attempts:
                del self._waiting[lane]

    def _start_next(self) -> None:
        self._starts = None
        try:
            self.start_waiting(self._tools.clock())
        except Exception as error:
            # They are started again within milliseconds: see `start_in_time`.
            log.error("attempts not started", exc_info=error)

    def _begin(self, attempt: AttemptRun) -> None:
        claimed, lane = attempt.claimed, attempt.lane
        ticket, attempt.grant = lane.begin(self._tools.clock(), claimed.claim.text)
        attempt.claimed = replace(claimed, ticket=ticket)
        self._running.add(attempt)
        try:
            attempt.start()
        except Exception as error:
            log.error("attempt crashed", **attempt.claimed.ids, exc_info=error)
            self._held.fail(attempt.claimed)
            self._ended(attempt, None)

    def refuse_new(self) -> None:
        """Lets nothing begin any more: what is held is given back, and so is what is still started."""
        self._stopping = True
        self._held.withdraw_all("stop")

    async def wait(self, seconds: float) -> None:
        """Waits until none is under way, for `seconds` at most."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while self._running and (left := until - clock()) > 0:
            self.freed.clear()
            try:
                async with asyncio.timeout(left):
                    await self.freed.wait()
            except TimeoutError:
                return

    def cancel(self) -> None:
        """Ends what is under way; each attempt still leaves its result."""
        for attempt in tuple(self._running):
            attempt.cancel()

    def _ended(self, attempt: AttemptRun, result: Result | None) -> None:
        """Frees the slot, and gives the claim back if its request did not begin, else hands its result on."""
        claimed = attempt.claimed
        if attempt not in self._running:
            # It waited for room, and was taken from there.
            reason = self._held.let_go(claimed)
            if reason is not None:
                self._give_backs.add(claimed, reason)
            return
        self._running.discard(attempt)
        self.freed.set()
        if self._waiting and self._starts is None:
            # Not from here: an attempt may end within its start.
            self._starts = asyncio.get_running_loop().call_soon(self._start_next)
        try:
            # Whatever became of the attempt: its ticket is back.
            attempt.lane.withdraw(claimed.ticket)
            self._settle(attempt, result)
        except Exception as error:
            log.error("attempt crashed", **claimed.ids, exc_info=error)
            self._abandon(claimed)

    def _settle(self, attempt: AttemptRun, result: Result | None) -> None:
        claimed = attempt.claimed
        reason = self._held.let_go(claimed)
        if reason is not None:
            attempt.lane.limiter.put_back(attempt.grant)
            self._give_back(claimed, reason)
            return
        # Of an attempt that ended without a reply; else its tokens are back already.
        attempt.lane.limiter.done(attempt.grant)
        self.size.grow()
        if result is None:
            self._abandon(claimed)
        else:
            self._results.add(result, partial(self._confirmed, claimed), attempt.traceparent)

    def end_unsent(self, delivered: DeliveredJob, claim: Claim, reason: str, *, unsure: bool) -> None:
        """Ends a message without a request. `unsure`: an attempt before, not to be repeated, may have arrived."""
        log.warning("message ended unsent", **delivered.ids, reason=reason)
        self._results.add(build_unsent(claim, reason, unsure=unsure), delivered.delivery.ack)

    def _abandon(self, claimed: ClaimedJob) -> None:
        """Leaves a claim to fall stale with its name. The job is there again by then."""
        self._held.names.let_go(claimed.terms.name)
        self._intake.set_aside(DeliveredJob(claimed.delivery, claimed.job))

    def _confirmed(self, claimed: ClaimedJob) -> None:
        self._held.names.let_go(claimed.terms.name)
        claimed.delivery.ack()

    def _give_back(self, claimed: ClaimedJob, reason: GiveBackReason) -> None:
        if reason in ("lease", "time"):
            self.size.shrink(self._tools.clock())
        self._give_backs.add(claimed, reason)
