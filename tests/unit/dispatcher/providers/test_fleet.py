"""Which provider gets a message, and who waits."""

from datetime import timedelta

from services.dispatcher.admission.slot_lease import SlotLease
from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.providers.fleet import Fleet, Postponed, Undeliverable
from services.dispatcher.providers.lane import Lane
from tests.support.builders import a_claim
from tests.support.fakes import FakeProvider
from tests.unit.dispatcher.lanes import a_fleet, a_lane, a_mapping

HOLD = Classification("hold", "hold", "no money", not_taken=True)


def lane(name: str) -> Lane:
    return a_lane(FakeProvider(), a_mapping(name))


def names(fleet: Fleet, messages: int = 10, moment: float = 0.0) -> list[str]:
    found = [fleet.choose(a_claim(), moment) for _ in range(messages)]
    return [one.name for one in found if isinstance(one, Lane)]


def trip(lane: Lane) -> None:
    lane.record(0.0, *lane.begin(0.0, "x"), 0.1, HOLD)


async def test_one_whose_breaker_is_open_leaves_its_messages_to_the_others() -> None:
    first, second = lane("a"), lane("b")
    fleet = a_fleet(first, second)
    assert sorted(names(fleet)) == ["a"] * 5 + ["b"] * 5
    trip(first)
    assert names(fleet, moment=1.0) == ["b"] * 10
    assert fleet.away(1.0) == 0
    trip(second)
    assert isinstance(fleet.choose(a_claim(), 1.0), Postponed)
    assert fleet.away(1.0) > 0


async def test_a_retry_stays_with_its_provider_unless_that_is_away() -> None:
    first, second = lane("a"), lane("b")
    fleet = a_fleet(first, second)
    assert all(fleet.choose(a_claim(provider="a"), 0.0) is first for _ in range(5))
    first.holds.drained = True
    assert fleet.choose(a_claim(provider="a"), 0.0) is second


async def test_what_a_provider_may_have_never_goes_to_another() -> None:
    first, second = lane("a"), lane("b")
    fleet = a_fleet(first, second)
    first.holds.drained = True
    assert isinstance(fleet.choose(a_claim(provider="a", unsure=True), 0.0), Postponed)
    gone = a_fleet(second, lane("c")).choose(a_claim(provider="a", unsure=True), 0.0)
    assert gone == Undeliverable("outcome unknown: provider a is gone", unsure=True)
    assert isinstance(a_fleet(second).choose(a_claim(provider="a", unsure=True), 0.0), Undeliverable)


async def test_what_one_refused_goes_to_the_rest_and_then_to_nobody() -> None:
    first, second = lane("a"), lane("b")
    fleet = a_fleet(first, second)
    assert fleet.choose(a_claim(provider="a", refused=("a",)), 0.0) is second
    assert isinstance(fleet.choose(a_claim(provider="b", refused=("a", "b")), 0.0), Undeliverable)


async def test_who_stands_by_gets_messages_only_while_the_others_are_away() -> None:
    first, spare = lane("a"), lane("b")
    fleet = a_fleet(first, spare, b=0.0)
    assert names(fleet) == ["a"] * 10
    # A short pause is waited for, a long one is not.
    first.holds.held_until = 60.0
    assert isinstance(fleet.choose(a_claim(), 0.0), Postponed)
    first.holds.held_until = 700.0
    assert names(fleet) == ["b"] * 10


async def test_on_trial_one_request_is_in_flight_by_whom_has_leave() -> None:
    only = lane("a")
    only.trial = True
    assert only.room(0.0) == 0
    only.leave = True
    assert only.room(0.0) == 1
    ticket, _ = only.begin(0.0, "x")
    assert only.room(0.0) == 0
    only.admission.withdraw(ticket)
    accepted = Classification("accepted", "accepted", "accepted")
    only.record(0.0, *only.begin(0.0, "x"), 0.1, accepted)
    only.trial = False
    assert only.room(0.0) == 100


async def test_a_provider_that_throttles_without_a_time_gets_half() -> None:
    only = lane("a")
    only.record(0.0, *only.begin(0.0, "x"), 0.1, Classification("throttled", "too_many", "HTTP 429", not_taken=True))
    assert (only.room(1.0), only.room(11.0)) == (50, 100)
    held = Classification("throttled", "too_many", "HTTP 429", timedelta(seconds=30), not_taken=True)
    only.record(12.0, *only.begin(12.0, "x"), 0.1, held)
    assert (only.room(13.0), only.state(13.0), only.room(43.0)) == (0, "held", 100)


async def test_no_more_begin_than_the_process_has_slots_of_the_providers_concurrency() -> None:
    only = lane("a")
    only.slots = slots = SlotLease(10, 100, lambda: 0.0)
    # One message is claimed without a slot, and asks for some.
    assert (only.room(0.0), only.claimable(0.0), only.fits(0.0, "x")) == (0, 1, False)
    slots.lease(4, 4, 0.0)
    assert (only.room(0.0), only.claimable(0.0)) == (4, 4)
    tickets = [only.begin(0.0, "x") for _ in range(4)]
    assert (only.room(0.0), only.fits(0.0, "x")) == (0, False)
    accepted = Classification("accepted", "accepted", "accepted")
    only.record(0.0, *tickets[0], 0.1, accepted)
    only.withdraw(tickets[0][0])
    only.withdraw(tickets[1][0])
    assert (only.room(0.0), slots.give_back()) == (2, 4)
