"""The attempts under way: each is started with its claim, and leaves a result, or its claim to be given back."""

import asyncio
from functools import partial

from services.dispatcher.admission.rate_limit import RateLimit
from services.dispatcher.attempt import AttemptRun, AttemptTools
from services.dispatcher.claimed_job import ClaimedJob
from services.dispatcher.claims.claim_size import ClaimSize
from services.dispatcher.claims.give_backs import GiveBacks
from services.dispatcher.claims.held_claims import GiveBackReason
from services.dispatcher.intake import DeliveredJob, Intake
from services.dispatcher.result_buffer import ResultBuffer
from shared import logs
from shared.messages import Result

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
        limiter: RateLimit,
    ) -> None:
        self._tools = tools
        self._held = tools.held
        self._results = results
        self._give_backs = give_backs
        self._intake = intake
        self._limiter = limiter
        self._running: set[AttemptRun] = set()
        self._stopping = False
        self.size = size
        self.freed = asyncio.Event()

    @property
    def under_way(self) -> int:
        """Attempts that have not ended."""
        return len(self._running)

    def start(self, claimed: ClaimedJob) -> None:
        """Starts the attempt of a claim, or gives the claim back if it is void by now. Raises nothing."""
        self._held.names.hold(claimed.terms.name)
        void = "stop" if self._stopping else self._held.void(claimed.terms, claimed.claim)
        if void is not None:
            self._give_back(claimed, void)
            return
        attempt = AttemptRun(self._tools, claimed, self._ended)
        self._held.hold(claimed, attempt.cancel)
        self._running.add(attempt)
        try:
            attempt.start()
        except Exception as error:
            log.error("attempt crashed", **claimed.ids, exc_info=error)
            self._held.fail(claimed)
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
        if attempt not in self._running:
            return
        self._running.discard(attempt)
        self.freed.set()
        claimed = attempt.claimed
        try:
            # Whatever became of the attempt: its ticket is back.
            self._tools.admission.withdraw(claimed.ticket)
            self._settle(claimed, result)
        except Exception as error:
            log.error("attempt crashed", **claimed.ids, exc_info=error)
            self._abandon(claimed)

    def _settle(self, claimed: ClaimedJob, result: Result | None) -> None:
        reason = self._held.let_go(claimed)
        if reason is not None:
            self._give_back(claimed, reason)
            return
        self.size.grow()
        if result is None:
            self._abandon(claimed)
        else:
            self._results.add(result, partial(self._confirmed, claimed))

    def _abandon(self, claimed: ClaimedJob) -> None:
        """Leaves a claim to fall stale with its name. The job is there again by then."""
        self._held.names.let_go(claimed.terms.name)
        self._intake.set_aside(DeliveredJob(claimed.delivery, claimed.job))

    def _confirmed(self, claimed: ClaimedJob) -> None:
        self._held.names.let_go(claimed.terms.name)
        claimed.delivery.ack()

    def _give_back(self, claimed: ClaimedJob, reason: GiveBackReason) -> None:
        self._tools.admission.withdraw(claimed.ticket)
        self._limiter.put_back(1)
        if reason in ("lease", "time"):
            self.size.shrink(self._tools.clock())
        self._give_backs.add(claimed, reason)
