"""The rules of the protocol as switches, and the bounds within which the model is explored."""

from dataclasses import dataclass
from typing import Literal

Fault = Literal[
    "crash",
    "stop",
    "cut from the database",
    "statement of unknown fate",
    "delivery lost",
    "job lost",
    "result lost",
    "released twice",
    "result redelivered",
    "job forged",
]
# What an operator's request does: it changes the terms, finds them as it wants them, or is about another mailing.
EditKind = Literal["change", "repeat", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the protocol, each of which can be taken out.

    The comments name the section of the protocol that states the rule.
    """

    # Release: the planner asks for the claimed number again while the claim is open, never for the next.
    number_by_dispatcher: bool = True
    # Release: a flight that was put back after its chunk began is not marked as released.
    mark_guard: bool = True
    # Claim: a job asks for exactly the next number.
    exact_attempt: bool = True
    # Claim: the flight is locked while it is judged.
    row_lock: bool = True
    # Claim: a job that was put back keeps the number it asked for.
    asked_number: bool = True
    # Stale: only a silent name's claim is taken over.
    stale_silence: bool = True
    # Stale: the silence covers the lease and the longest request, not the lease alone.
    stale_covers_request: bool = True
    # Stale: a fence that was published after the silence is folded.
    stale_fence: bool = True
    # Stale: the claim below a take-over that was given back may be taken over at once.
    uncovered_is_stale: bool = True
    # Names: a new one after a claim of unknown fate, and one every 10 s.
    name_after_unknown: bool = True
    name_every_ten_seconds: bool = True
    # Names: an old name is beaten for as long as something of it is under way.
    name_beaten_while_needed: bool = True
    # Lease: looked at before a request begins; never revived; voided by a mark as fenced.
    lease_look: bool = True
    lease_never_revived: bool = True
    fenced_voids: bool = True
    # Give-backs name the very claim, and not just name and number.
    give_back_one_claim: bool = True
    # Barrier, on the dispatcher's side.
    heard_look: bool = True
    heard_since_asked: bool = True
    heard_after_marking: bool = True
    not_seen_yet: bool = True
    row_before_claims: bool = True
    # Barrier, on the API's side.
    barrier: bool = True
    look_after_commit: bool = True
    look_at_all_that_flew: bool = True
    fence_the_silent: bool = True
    wait_after_mark: bool = True
    repeat_passes: bool = True
    # Results: retry, then result, then acknowledgement; one reporter; each number once; no way down.
    retry_before_result: bool = True
    ack_after_confirm: bool = True
    single_consumer: bool = True
    idempotent_fold: bool = True
    status_upwards: bool = True
    # Sweep: what the broker lost is released again.
    sweep_vanished: bool = True
    sweep_stale: bool = True
    # A redelivered job with an open claim is busy first, even if the claim is stale.
    redelivered_is_busy: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far the model goes.

    `terms` says for each version of a mailing whether it may be sent; `edits` are the operator's requests.
    `copies` is how many jobs of the message may exist at once, `budget` the failures that exhaust it. `delayed`:
    a claim reads at one moment and commits at a later one. `beats`: at each tick for all that can, or at any moment
    before the next tick, or sent, done and answered at three moments. Times are in ticks.

    With `releases`, inserting, publishing and marking are steps of their own; else the job is simply there. With
    `table_retries` a retry may wait in the table. With `renewals` dispatchers change their names. With
    `late_statements` a claim of a dead process may still be executed.
    """

    dispatchers: int = 2
    copies: int = 2
    budget: int = 2
    terms: tuple[bool, ...] = (True,)
    edits: tuple[EditKind, ...] = ()
    concurrent_edits: bool = False
    delayed: bool = False
    beats: Literal["with the clock", "at any time", "in steps"] = "with the clock"
    releases: bool = False
    table_retries: bool = False
    renewals: bool = False
    late_statements: bool = False
    faults: tuple[tuple[Fault, int], ...] = ()
    lease: int = 2
    request: int = 1
    edits_kept: int = 4

    @property
    def stale(self) -> int:
        """After how many ticks of silence a claim is stale."""
        return self.lease + self.request
