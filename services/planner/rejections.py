"""Pauses a mailing of which too many messages are rejected, where HERALD_PAUSE_ON_REJECTED asks for it."""

from services.planner.metrics import Metrics
from services.planner.rejection_limit import RejectionLimit
from services.planner.store import rejections
from shared import logs
from shared.database import Pool

log = logs.get()


class RejectionGuard:
    """The guard over running mailings. Without a limit it pauses none."""

    def __init__(self, pool: Pool, limit: RejectionLimit | None, metrics: Metrics) -> None:
        self._pool = pool
        self._limit = limit
        self._metrics = metrics

    async def pause_rejected(self) -> None:
        """Pauses each running mailing that is above the limit. After it was resumed only what came since counts."""
        if self._limit is None:
            return
        for one in await rejections.pause_above(self._pool, self._limit.share, self._limit.least):
            self._metrics.paused.inc()
            log.error(
                "mailing paused",
                mailing_id=one.mailing_id,
                request_id=one.request_id,
                reason=one.reason,
                rejected=one.rejected,
            )
