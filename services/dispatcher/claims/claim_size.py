"""How many claims may be held without having begun: it follows how many begin in time. Pure."""

MOST_JOBS_PER_CLAIM = 250
SHRINK_SECONDS = 1.0


class ClaimSize:
    """The most claims that are asked for or held at a time.

    It is halved when claims had to be given back because they did not begin in time, at most once a second, and grows
    by one for each request that begins.
    """

    def __init__(self, most: int = MOST_JOBS_PER_CLAIM) -> None:
        self._most = most
        self._limit = most
        self._shrunk_at = float("-inf")

    @property
    def limit(self) -> int:
        return self._limit

    def grow(self) -> None:
        """Records that a request has begun."""
        self._limit = min(self._limit + 1, self._most)

    def shrink(self, moment: float) -> None:
        """Records that a claim did not begin in time."""
        if moment - self._shrunk_at >= SHRINK_SECONDS:
            self._limit, self._shrunk_at = max(self._limit // 2, 1), moment
