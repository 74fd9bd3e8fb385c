"""The slots of a process: what may begin, what is asked for, and what is given back."""

from services.dispatcher.admission.breaker import Ticket
from services.dispatcher.admission.rate_shares import RateWish
from services.dispatcher.admission.slot_lease import USED_SECONDS, SlotLease
from tests.support.fakes import FakeClock


def ticket() -> Ticket:
    return Ticket(0, probe=False)


def a_lease(slots: int, target: int | None = None) -> tuple[SlotLease, FakeClock]:
    clock = FakeClock(0.0)
    lease = SlotLease(10, 100, clock)
    lease.lease(slots, slots if target is None else target, 0.0)
    return lease, clock


def test_no_more_begin_than_there_are_slots_and_each_is_free_again_once() -> None:
    lease, _ = a_lease(2)
    tickets = [ticket(), ticket()]
    for one in tickets:
        assert lease.fits()
        lease.take(one)
    assert (lease.available(), lease.claimable(), lease.fits()) == (0, 1, False)
    lease.done(tickets[0])
    lease.done(tickets[0])
    assert lease.available() == 1


def test_a_provider_that_fails_gets_its_share_of_the_slots_and_one_at_least() -> None:
    lease, _ = a_lease(4)
    assert (lease.available(0.5), lease.available(0.01)) == (2, 1)


def test_who_has_no_slots_claims_one_message_and_asks_for_all() -> None:
    lease, _ = a_lease(0)
    assert (lease.available(), lease.claimable()) == (0, 1)
    assert lease.wish(0) == RateWish(0)
    assert lease.wish(1) == RateWish(10)
    lease.fits()
    assert lease.wish(0) == RateWish(10)


def test_short_requests_between_two_renewals_count_as_use() -> None:
    lease, _ = a_lease(8)
    tickets = [ticket() for _ in range(8)]
    for one in tickets:
        lease.take(one)
    for one in tickets:
        lease.done(one)
    assert lease.wish(0) == RateWish(9)
    assert lease.wish(0) == RateWish(0)


def test_slots_that_are_too_many_are_not_used_again_and_given_back_once_they_are_free() -> None:
    lease, _ = a_lease(4)
    tickets = [ticket() for _ in range(3)]
    for one in tickets:
        lease.take(one)
    lease.lease(4, 2, 0.0)
    assert (lease.available(), lease.give_back()) == (0, 3)
    for one in tickets:
        lease.done(one)
    assert (lease.available(), lease.give_back()) == (2, 2)


def test_nothing_begins_under_a_lease_that_has_run_out() -> None:
    lease, clock = a_lease(4)
    clock.move_to(USED_SECONDS - 0.1)
    assert lease.available() == 4
    clock.move_to(USED_SECONDS)
    assert lease.available() == 0
