"""What this process may begin: claims are asked for, held until their request begins, or taken from it. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.dispatcher.claimed_job import ClaimedJob, ClaimTerms
from services.dispatcher.claims.claim import Claim
from services.dispatcher.claims.heard_edits import HeardEdit, HeardEdits
from services.dispatcher.claims.lease import SendingLease
from services.dispatcher.claims.names import ClaimNames

# edit: an edit of the message was heard. lease: the lease was over. time: no time was left. error: an error of
# Herald's. stop: the process stops. away: its provider takes nothing now.
GiveBackReason = Literal["edit", "lease", "time", "error", "stop", "away"]


@dataclass(slots=True)
class _Held:
    """A claim whose request has not begun, and what takes it from whoever is about to begin it."""

    claimed: ClaimedJob
    withdraw: Callable[[], object]
    reason: GiveBackReason | None = None


class HeldClaims:
    """The claims of this process whose requests have not begun.

    A request may begin only if no edit that concerns it was heard since its claim was asked for, the lease holds and
    has held since then, and time is left.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[tuple[int, int], _Held] = {}
        self.lease = SendingLease()
        self.heard = HeardEdits()
        self.names = ClaimNames(clock())

    def __len__(self) -> int:
        return len(self._held)

    def may_ask(self) -> bool:
        """Returns whether a claim may be asked for now."""
        return self.names.ready and self.lease.holds(self._clock())

    def ask(self) -> ClaimTerms:
        """Returns the terms of a claim that is asked for now. Its name is held until `answered` is called."""
        self.names.hold(self.names.current)
        return ClaimTerms(self.names.current, self.lease.term, self.heard.count, self._clock())

    def answered(self, terms: ClaimTerms, *, known: bool) -> None:
        """Ends a claim's statement. If it is not known what it did, claims continue under another name."""
        self.names.let_go(terms.name)
        if not known:
            self.names.renew(self._clock())

    def void(self, terms: ClaimTerms, claim: Claim) -> GiveBackReason | None:
        """Returns why a claim that has come back may not be held; None if it may."""
        if terms.term != self.lease.term:
            return "lease"
        return "edit" if self.heard.concern_since(terms.heard, claim.mailing_id, claim.client_id) else None

    def hold(self, claimed: ClaimedJob, withdraw: Callable[[], object]) -> None:
        """Holds a claim until its request begins. `withdraw` is called when it may not any more."""
        self._held[claimed.key] = _Held(claimed, withdraw)

    def may_begin(self, claimed: ClaimedJob, deadline: float) -> bool:
        """Says whether its request may begin now. If so it has begun: call it just before the first byte is written."""
        held, moment = self._held.get(claimed.key), self._clock()
        if held is None or held.reason is not None:
            return False
        if claimed.terms.term != self.lease.term or not self.lease.holds(moment):
            held.reason = "lease"
        elif moment >= deadline:
            held.reason = "time"
        else:
            del self._held[claimed.key]
            return True
        return False

    def holds(self, claimed: ClaimedJob) -> bool:
        """Returns whether the request of a claim has not begun, and it has no reply."""
        return claimed.key in self._held

    def fail(self, claimed: ClaimedJob, reason: GiveBackReason = "error") -> None:
        """Records what keeps the request of a claim from beginning."""
        if (held := self._held.get(claimed.key)) is not None:
            held.reason = reason

    def let_go(self, claimed: ClaimedJob) -> GiveBackReason | None:
        """Ends the hold of a claim. Returns why it must be given back; None if its request has begun."""
        held = self._held.pop(claimed.key, None)
        return None if held is None else held.reason or "time"

    # What the heartbeat calls.

    def hear(self, edits: Iterable[HeardEdit]) -> bool:
        """Obeys edits: what is held of them may not begin. Returns whether any was new."""
        new = [edit for edit in edits if self.heard.hear(edit, self._clock())]
        if new:
            self._withdraw("edit", lambda claim: any(edit.concerns(claim.mailing_id, claim.client_id) for edit in new))
        return bool(new)

    def record_beat(self, sent_at: float, names: Iterable[UUID]) -> None:
        """Records a beat that succeeded. If the lease was over by then, nothing that is held may begin."""
        moment = self._clock()
        if not self.lease.extend(sent_at, moment):
            self._withdraw("lease")
        self.names.record_beat(names, moment)

    def lose_lease(self) -> None:
        """Ends the lease: the process was fenced."""
        self.lease.lose()
        self._withdraw("lease")

    def withdraw_all(self, reason: GiveBackReason) -> None:
        """Takes everything that is held back."""
        self._withdraw(reason)

    def _withdraw(self, reason: GiveBackReason, concerned: Callable[[Claim], bool] = lambda _: True) -> None:
        for held in list(self._held.values()):
            if held.reason is None and concerned(held.claimed.claim):
                held.reason = reason
                held.withdraw()
