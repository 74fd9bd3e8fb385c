"""What a dispatcher may begin: under its lease, before an edit is heard, while time is left."""

from typing import Any

import pytest

from services.dispatcher.claimed_job import ClaimedJob, ClaimTerms
from services.dispatcher.claims.heard_edits import REMEMBERED_SECONDS, REPORTED_SECONDS, HeardEdit, HeardEdits
from services.dispatcher.claims.held_claims import HeldClaims
from services.dispatcher.claims.lease import LEASE_SECONDS, SendingLease
from tests.support.builders import a_claim, a_job, a_ticket
from tests.support.fakes import FakeDelivery

FOR_EVER = float("inf")


class Desk:
    """Held claims with a clock that the test sets."""

    def __init__(self) -> None:
        self.moment = 100.0
        self.held = HeldClaims(lambda: self.moment)
        self.withdrawn: list[int] = []
        self.beat()

    def beat(self, *, took: float = 0.0) -> None:
        sent_at = self.moment
        self.moment += took
        self.held.record_beat(sent_at, self.held.names.alive)

    def claimed(self, terms: ClaimTerms, **claim: Any) -> ClaimedJob:
        return ClaimedJob(FakeDelivery(), a_job(), a_claim(**claim), terms, a_ticket())

    def hold(self, **claim: Any) -> ClaimedJob:
        claimed = self.claimed(self.held.ask(), **claim)
        self.held.hold(claimed, lambda: self.withdrawn.append(claimed.claim.message_id))
        return claimed


def test_a_held_claim_begins_once() -> None:
    desk = Desk()
    claimed = desk.hold()
    assert desk.held.may_begin(claimed, FOR_EVER)
    assert not desk.held.may_begin(claimed, FOR_EVER)
    assert desk.held.let_go(claimed) is None


def test_nothing_is_asked_for_before_the_first_beat() -> None:
    held = HeldClaims(lambda: 100.0)
    assert not held.may_ask()
    held.record_beat(99.0, held.names.alive)
    assert held.may_ask()


@pytest.mark.parametrize(("age", "begins"), [(LEASE_SECONDS - 0.01, True), (LEASE_SECONDS, False), (3600.0, False)])
def test_a_request_begins_only_under_the_lease(age: float, begins: bool) -> None:
    desk = Desk()
    claimed = desk.hold()
    desk.moment += age
    assert desk.held.may_begin(claimed, FOR_EVER) == begins
    assert desk.held.may_ask() == begins
    assert desk.held.let_go(claimed) == (None if begins else "lease")


def test_the_lease_counts_from_when_the_beat_was_sent() -> None:
    desk = Desk()
    desk.moment += 3
    desk.beat(took=2)
    claimed = desk.hold()
    desk.moment += LEASE_SECONDS - 2
    assert not desk.held.may_begin(claimed, FOR_EVER)


def test_a_lease_that_has_lapsed_is_not_revived_for_what_was_held_under_it() -> None:
    desk = Desk()
    claimed, on_its_way = desk.hold(), desk.held.ask()
    desk.moment += LEASE_SECONDS
    desk.beat()
    assert desk.withdrawn == [1]
    assert not desk.held.may_begin(claimed, FOR_EVER)
    assert desk.held.void(on_its_way, a_claim()) == "lease"
    assert desk.held.may_begin(desk.hold(number=2), FOR_EVER)


def test_a_beat_that_was_sent_in_time_and_came_late_does_not_revive_the_lease() -> None:
    desk = Desk()
    claimed = desk.hold()
    desk.moment += LEASE_SECONDS - 1
    desk.beat(took=1.5)
    assert not desk.held.may_begin(claimed, FOR_EVER)


def test_a_fenced_process_begins_nothing_that_it_held() -> None:
    desk = Desk()
    claimed, on_its_way = desk.hold(), desk.held.ask()
    desk.held.lose_lease()
    assert not desk.held.may_ask()
    desk.beat()
    assert not desk.held.may_begin(claimed, FOR_EVER)
    assert desk.held.void(on_its_way, a_claim()) == "lease"


def test_nothing_begins_without_time_left() -> None:
    desk = Desk()
    claimed = desk.hold()
    assert not desk.held.may_begin(claimed, desk.moment)
    assert desk.held.let_go(claimed) == "time"


@pytest.mark.parametrize(
    ("edit", "concerned"),
    [
        (HeardEdit(1, mailing_id=7), True),
        (HeardEdit(1, mailing_id=8), False),
        (HeardEdit(1, client_ids=[2, 3]), True),
        (HeardEdit(1, client_ids=[2]), False),
        (HeardEdit(1), True),
    ],
)
def test_an_edit_takes_what_it_concerns(edit: HeardEdit, concerned: bool) -> None:
    desk = Desk()
    claimed, on_its_way = desk.hold(mailing_id=7, client_id=3), desk.held.ask()
    assert desk.held.hear([edit])
    assert desk.withdrawn == ([1] if concerned else [])
    assert desk.held.may_begin(claimed, FOR_EVER) != concerned
    assert desk.held.let_go(claimed) == ("edit" if concerned else None)
    assert desk.held.void(on_its_way, a_claim(mailing_id=7, client_id=3)) == ("edit" if concerned else None)


def test_an_edit_heard_before_the_claim_was_asked_for_does_not_concern_it() -> None:
    desk = Desk()
    desk.held.hear([HeardEdit(1)])
    terms = desk.held.ask()
    assert not desk.held.hear([HeardEdit(1)]), "it is heard once"
    assert desk.held.void(terms, a_claim()) is None


def test_edits_are_heard_in_any_order_of_their_ids() -> None:
    desk = Desk()
    desk.held.hear([HeardEdit(5, mailing_id=7)])
    terms = desk.held.ask()
    assert desk.held.hear([HeardEdit(4, mailing_id=7)])
    assert desk.held.void(terms, a_claim(mailing_id=7)) == "edit"


def test_a_request_that_has_begun_is_left_alone() -> None:
    desk = Desk()
    claimed = desk.hold()
    desk.held.may_begin(claimed, FOR_EVER)
    desk.held.hear([HeardEdit(1)])
    desk.held.withdraw_all("stop")
    assert desk.withdrawn == []


def test_a_claim_of_unknown_fate_is_followed_by_another_name() -> None:
    desk = Desk()
    terms = desk.held.ask()
    desk.held.answered(terms, known=False)
    assert desk.held.names.current != terms.name
    assert terms.name not in desk.held.names.alive


def test_edits_are_reported_for_a_while_and_remembered_for_longer() -> None:
    heard = HeardEdits()
    heard.hear(HeardEdit(1), 100.0)
    assert heard.ids(100.0 + REPORTED_SECONDS - 1) == [1]
    assert heard.ids(100.0 + REPORTED_SECONDS) == []
    heard.hear(HeardEdit(2, mailing_id=7), 100.0 + REMEMBERED_SECONDS - 1)
    assert heard.concern_since(0, 8, 3), "the first one concerns everything"
    heard.hear(HeardEdit(3, mailing_id=7), 100.0 + REMEMBERED_SECONDS + 1)
    assert not heard.concern_since(0, 8, 3)


def test_a_late_answer_does_not_shorten_the_lease() -> None:
    lease = SendingLease()
    lease.extend(10.0, 10.0)
    lease.extend(9.0, 10.5)
    assert lease.holds(10.0 + LEASE_SECONDS - 0.1)
