"""How many jobs are claimed beyond the slots that are free, so that no slot waits for a claim. Pure."""

import math

# The pace of a shorter time says little.
LEAST_SECONDS = 0.05
# What is claimed waits here at least as long as requests are gathered for a claim.
GATHERING_SECONDS = 0.01
# Claims that take longer are those of a database in trouble, and waiting claims do not mend that.
MOST_CLAIM_SECONDS = 1.0


class LookAhead:
    """As many jobs as requests end while a claim is on its way. Moments are seconds on a monotonic clock."""

    def __init__(self) -> None:
        self._since = -math.inf
        self._ended = 0
        self.claims = 0

    def record(self, moment: float, ended: int, claim_seconds: float) -> None:
        """Records how long a claim took, and how many requests have ended since the process began."""
        seconds = moment - self._since
        if seconds < LEAST_SECONDS:
            return
        pace = (ended - self._ended) / seconds
        self._since, self._ended = moment, ended
        self.claims = math.ceil(pace * (min(claim_seconds, MOST_CLAIM_SECONDS) + GATHERING_SECONDS))
