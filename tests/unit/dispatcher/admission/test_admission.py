"""The gate before the provider: breaker and concurrency together, and tickets that all come back."""

from random import Random

import pytest

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import PROBES, Breaker
from tests.support.builders import a_ticket


def an_admission(most: int = 100) -> Admission:
    return Admission(Breaker(lambda: 1.0), AdaptiveConcurrency(most))


def half_open() -> Admission:
    """Makes one whose breaker was opened at 0 and probes at 5."""
    admission = an_admission()
    admission.trip(0.0, admission.begin(0.0))
    assert admission.state(5.0) == "half-open"
    return admission


def test_no_more_may_begin_than_are_free() -> None:
    admission = an_admission(3)
    tickets = [admission.begin(0.0) for _ in range(3)]
    assert (admission.allowance(0.0), admission.begun) == (0, 3)
    admission.end(0.1, tickets[0], seconds=0.1, failed=False)
    admission.withdraw(tickets[1])
    assert (admission.allowance(0.1), admission.begun) == (2, 1)


def test_a_ticket_comes_back_once() -> None:
    admission = an_admission(3)
    ticket = admission.begin(0.0)
    for _ in range(3):
        admission.end(0.1, ticket, seconds=0.1, failed=False)
        admission.withdraw(ticket)
    admission.end(0.1, a_ticket(), seconds=0.1, failed=False)
    assert admission.begun == 0


def test_an_ended_probe_that_is_withdrawn_too_does_not_let_another_through() -> None:
    admission = half_open()
    ticket = admission.begin(5.0)
    admission.end(5.1, ticket, seconds=0.1, failed=False)
    probes = [admission.begin(5.2) for _ in range(PROBES[1])]
    admission.withdraw(ticket)
    assert admission.allowance(5.2) == 0
    admission.withdraw(probes[0])
    assert admission.allowance(5.2) == 1


def test_a_probe_whose_attempt_crashed_does_not_starve_the_others() -> None:
    admission = half_open()
    ticket = admission.begin(5.0)
    assert admission.allowance(3600.0) == 0
    admission.withdraw(ticket)
    assert admission.allowance(3600.0) == 1


def test_once_closed_it_sends_as_much_as_before_the_outage() -> None:
    admission, moment = an_admission(), 0.0
    while admission.state(moment) == "closed":
        moment += 0.05
        admission.end(moment, admission.begin(moment), seconds=0.05, failed=True)
    for stage in PROBES:
        moment += 20
        for ticket in [admission.begin(moment) for _ in range(stage)]:
            admission.end(moment, ticket, seconds=0.05, failed=False)
    assert (admission.state(moment), admission.allowance(moment)) == ("closed", 100)


# Hundreds of thousands of calls: they are simulated untraced, and those of a fast provider for a shorter time.
@pytest.mark.no_cover
@pytest.mark.parametrize(("latency", "seconds"), [(0.01, 15), (0.05, 60), (0.5, 120)])
def test_a_provider_that_fails_every_second_time_gets_two_fifths_of_the_plain_rate(
    latency: float, seconds: float
) -> None:
    """With "more than half of the calls failed" it got 2.8 %."""
    plain, made = (_calls_in(seconds, latency, failing) for failing in (0.0, 0.5))
    assert made >= 0.4 * plain


def _calls_in(seconds: float, latency: float, failing: float) -> int:
    admission, draw, moment, made = an_admission(), Random(11), 0.0, 0
    while moment < seconds:
        tickets = [admission.begin(moment) for _ in range(admission.allowance(moment))]
        made += len(tickets)
        moment += latency
        for ticket in tickets:
            admission.end(moment, ticket, seconds=latency, failed=draw.random() < failing)
    return made
