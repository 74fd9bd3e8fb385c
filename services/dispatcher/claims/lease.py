"""The lease under which a dispatcher begins requests. Pure."""

# A second less than shared/edits.py says, for what lies between this clock and that of the database.
LEASE_SECONDS = 4.0


class SendingLease:
    """The leave to begin requests: it lasts for 4 s from when the last beat that succeeded was sent.

    `term` goes up whenever a lease is over. What was asked for in an earlier term may never begin: an edit may have
    been answered in between, because the API knew that nothing could begin.
    """

    def __init__(self) -> None:
        self._sent_at = float("-inf")
        self.term = 0

    def holds(self, moment: float) -> bool:
        return moment - self._sent_at < LEASE_SECONDS

    def extend(self, sent_at: float, moment: float) -> bool:
        """Records a beat that succeeded. Returns False if the lease before was over by then, and a new term begins."""
        held = self.holds(moment)
        self.term += not held
        self._sent_at = max(self._sent_at, sent_at)
        return held

    def lose(self) -> None:
        """Ends the lease at once: the process was fenced."""
        self._sent_at = float("-inf")
        self.term += 1
