"""When the circuit breaker opens, what it lets through, and how it closes again."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.admission.breaker import LEAST_CALLS, PROBES, UNLIMITED, Breaker


def a_breaker(jitter: float = 1.0) -> Breaker:
    return Breaker(lambda: jitter)


def calls(breaker: Breaker, moment: float, *, ok: int = 0, failed: int = 0) -> None:
    """Begins and ends calls at a moment, the good ones first."""
    tickets = [breaker.begin(moment) for _ in range(ok + failed)]
    for place, ticket in enumerate(tickets):
        breaker.end(moment, ticket, failed=place >= ok)


def an_open_breaker(moment: float = 0.0) -> Breaker:
    """Makes a breaker that opens at that moment, for 5 s."""
    breaker = a_breaker()
    breaker.trip(moment)
    return breaker


def heal(breaker: Breaker, moment: float) -> None:
    """Makes all probes of a half-open breaker succeed."""
    for probes in PROBES:
        calls(breaker, moment, ok=probes)


@pytest.mark.parametrize(
    ("ok", "failed", "state"),
    [
        # Fewer than twenty calls are not enough.
        (0, 19, "closed"),
        (0, 20, "open"),
        (1, 18, "closed"),
        # Up to one of twenty is next to nothing.
        (1, 19, "open"),
        (2, 19, "closed"),
        (5, 95, "open"),
        (6, 95, "closed"),
        (10, 90, "closed"),
        (1000, 0, "closed"),
    ],
)
def test_it_opens_when_next_to_nothing_of_at_least_twenty_calls_succeeded(ok: int, failed: int, state: str) -> None:
    breaker = a_breaker()
    calls(breaker, 100.0, ok=ok, failed=failed)
    assert breaker.state(100.0) == state
    assert breaker.allowance(100.0) == (0 if state == "open" else UNLIMITED)


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        # Ten failures at each moment: they count together for 30 s.
        (0.0, 0.0, "open"),
        (0.0, 29.9, "open"),
        (0.5, 31.5, "closed"),
        (0.0, 3600.0, "closed"),
    ],
)
def test_only_the_last_30_seconds_count(before: float, after: float, state: str) -> None:
    breaker = a_breaker()
    calls(breaker, before, failed=10)
    calls(breaker, after, failed=10)
    assert breaker.state(after) == state


def test_good_calls_of_long_ago_do_not_outweigh_an_outage() -> None:
    breaker = a_breaker()
    calls(breaker, 0.0, ok=100_000)
    calls(breaker, 32.0, failed=LEAST_CALLS)
    assert breaker.state(32.0) == "open"


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        # Calls a second before and after the provider dies, and how soon it must be open.
        (2000, 3),
        (100, 3),
        (5, 5),
        # Fewer than twenty calls are no proof, so this takes as long as twenty need.
        (3, 7),
    ],
)
def test_a_provider_that_dies_after_a_long_healthy_run_opens_it_within_seconds(rate: int, seconds: int) -> None:
    breaker = a_breaker()
    for tick in range(60 * rate):
        calls(breaker, tick / rate, ok=1)
    died_at, tick = 60.0, 0
    while breaker.state(died_at + tick / rate) == "closed":
        calls(breaker, died_at + tick / rate, failed=1)
        tick += 1
    assert tick / rate <= seconds


@pytest.mark.parametrize("concurrency", [20, 30, 100])
def test_a_provider_that_falls_silent_opens_it_at_the_first_timeouts(concurrency: int) -> None:
    breaker, timeout = a_breaker(), 10.0
    for tick in range(3000):
        calls(breaker, tick / 100, ok=1)
    calls(breaker, 30.0 + timeout, failed=concurrency)
    assert breaker.state(30.0 + timeout) == "open"


def test_a_short_burst_of_failures_among_many_good_calls_does_not_open_it() -> None:
    breaker = a_breaker()
    for tick in range(400):
        calls(breaker, tick / 100, ok=1)
    calls(breaker, 4.0, failed=2000)
    assert breaker.state(4.0) == "closed"


def test_it_stays_open_for_5_seconds_doubling_to_20() -> None:
    breaker, moment = a_breaker(), 0.0
    breaker.trip(moment)
    for pause in (5, 10, 20, 20, 20):
        assert breaker.seconds_open(moment) == pytest.approx(pause)
        assert breaker.state(moment + pause - 0.001) == "open"
        moment += pause
        assert breaker.state(moment) == "half-open"
        calls(breaker, moment, failed=1)
        assert breaker.state(moment) == "open"


def test_the_pause_has_jitter() -> None:
    breaker = a_breaker(jitter=1.1)
    breaker.trip(0.0)
    assert breaker.seconds_open(0.0) == pytest.approx(5.5)


def test_the_pause_begins_anew_once_it_was_closed() -> None:
    breaker = an_open_breaker()
    calls(breaker, 5.0, failed=1)
    heal(breaker, 15.0)
    assert breaker.state(15.0) == "closed"
    breaker.trip(20.0)
    assert breaker.seconds_open(20.0) == pytest.approx(5)


def test_it_knows_how_long_it_stays_open() -> None:
    breaker = an_open_breaker()
    assert [breaker.seconds_open(moment) for moment in (0.0, 4.0, 5.0, 9.0)] == [5.0, 1.0, 0.0, 0.0]
    assert a_breaker().seconds_open(0.0) == 0.0


def test_half_open_it_lets_1_then_4_then_16_probes_through() -> None:
    breaker = an_open_breaker()
    for probes in (1, 4, 16):
        tickets = []
        for left in range(probes, 0, -1):
            assert (breaker.state(5.0), breaker.allowance(5.0)) == ("half-open", left)
            tickets.append(breaker.begin(5.0))
        assert breaker.allowance(5.0) == 0
        for ticket in tickets:
            assert ticket.probe
            breaker.end(5.0, ticket, failed=False)
    assert (breaker.state(5.0), breaker.allowance(5.0)) == ("closed", UNLIMITED)


@pytest.mark.parametrize(
    ("passed", "ok", "failed", "state"),
    [
        # Stages passed before, and what comes of the probes of this one.
        (0, 0, 1, "open"),
        (1, 0, 3, "half-open"),
        (1, 0, 4, "open"),
        (1, 1, 3, "half-open"),
        (1, 2, 2, "half-open"),
        (2, 0, 15, "half-open"),
        (2, 0, 16, "open"),
        (2, 1, 15, "closed"),
        (2, 8, 8, "closed"),
    ],
)
def test_a_stage_is_passed_unless_none_of_its_probes_succeeds(passed: int, ok: int, failed: int, state: str) -> None:
    breaker = an_open_breaker()
    for probes in PROBES[:passed]:
        calls(breaker, 5.0, ok=probes)
    calls(breaker, 5.0, ok=ok, failed=failed)
    assert breaker.state(5.0) == state
    if state == "open":
        assert breaker.seconds_open(5.0) == pytest.approx(10)


@pytest.mark.parametrize("failing", [0.1, 0.3, 0.5])
def test_a_provider_that_fails_now_and_then_does_not_keep_it_open(failing: float) -> None:
    draw, breaker, moment = Random(7), an_open_breaker(), 0.0
    while breaker.state(moment) != "closed" and moment < 120:
        moment += 1.0
        calls(breaker, moment, **Counter("failed" if draw.random() < failing else "ok" for _ in range(1)))
    assert breaker.state(moment) == "closed"


def test_it_waits_for_its_probes_however_long_they_take() -> None:
    breaker = an_open_breaker()
    probe = breaker.begin(5.0)
    assert (breaker.state(3000.0), breaker.allowance(3000.0)) == ("half-open", 0)
    breaker.end(3000.0, probe, failed=False)
    assert breaker.allowance(3000.0) == 4


def test_a_call_that_began_before_it_opened_does_not_count_any_more() -> None:
    breaker = a_breaker()
    tickets = [breaker.begin(0.0) for _ in range(40)]
    for ticket in tickets[:20]:
        breaker.end(1.0, ticket, failed=True)
    assert breaker.state(1.0) == "open"
    for ticket in tickets[20:30]:
        breaker.end(7.0, ticket, failed=True)
    assert breaker.state(7.0) == "half-open"
    heal(breaker, 7.0)
    for ticket in tickets[30:]:
        breaker.end(8.0, ticket, failed=True)
    assert breaker.state(8.0) == "closed"


def test_a_probe_of_an_earlier_stage_is_not_counted_in_a_later_one() -> None:
    breaker = an_open_breaker()
    calls(breaker, 5.0, ok=1)
    *failing, late = (breaker.begin(5.0) for _ in range(4))
    for probe in failing:
        breaker.end(6.0, probe, failed=True)
    breaker.trip(6.0)
    breaker.end(16.0, late, failed=False)
    assert (breaker.state(16.0), breaker.allowance(16.0)) == ("half-open", 1)


def test_calls_that_began_while_it_was_open_do_not_open_it_again_once_it_is_closed() -> None:
    # A batch is claimed while the breaker opens: its calls begin in an open breaker and fail in it.
    breaker = an_open_breaker()
    calls(breaker, 0.1, failed=50)
    heal(breaker, 6.0)
    calls(breaker, 6.0, ok=1)
    assert breaker.state(6.0) == "closed"


def test_calls_that_began_while_it_was_open_do_not_end_the_wait_for_a_probe() -> None:
    breaker = an_open_breaker()
    tickets = [breaker.begin(0.1) for _ in range(50)]
    for ticket in tickets:
        breaker.end(6.0, ticket, failed=True)
    assert (breaker.state(6.0), breaker.allowance(6.0)) == ("half-open", 1)


def test_failures_of_before_an_opening_are_forgotten() -> None:
    breaker = a_breaker()
    calls(breaker, 0.0, failed=20)
    heal(breaker, 6.0)
    calls(breaker, 6.0, failed=19)
    assert breaker.state(6.0) == "closed"


def test_it_is_tripped_at_once() -> None:
    breaker = a_breaker()
    calls(breaker, 0.0, ok=1000)
    breaker.trip(0.0)
    assert (breaker.state(0.0), breaker.allowance(0.0)) == ("open", 0)


def test_tripping_an_open_one_changes_nothing() -> None:
    breaker = an_open_breaker()
    breaker.trip(4.0)
    assert breaker.state(5.0) == "half-open"
    calls(breaker, 5.0, failed=1)
    assert breaker.seconds_open(5.0) == pytest.approx(10)


def test_a_probe_that_did_not_begin_is_given_back() -> None:
    breaker = an_open_breaker()
    breaker.withdraw(breaker.begin(5.0))
    assert breaker.allowance(5.0) == 1
    calls(breaker, 5.0, ok=1)
    assert breaker.allowance(5.0) == 4


def test_a_probe_of_an_earlier_stage_is_not_given_back() -> None:
    breaker = an_open_breaker()
    probe = breaker.begin(5.0)
    breaker.trip(5.0)
    breaker.withdraw(probe)
    assert breaker.allowance(15.0) == 1


def test_a_call_of_a_closed_breaker_is_withdrawn_without_a_trace() -> None:
    breaker = a_breaker()
    breaker.withdraw(breaker.begin(0.0))
    assert breaker.allowance(0.0) == UNLIMITED


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 60)), min_size=1, max_size=100))
def test_a_slow_but_honest_provider_never_opens_it(paces: list[tuple[float, float]]) -> None:
    breaker, moment = a_breaker(), 0.0
    began = []
    for pause, _ in paces:
        moment += pause
        began.append((moment, breaker.begin(moment)))
    ended = [(start + slow, ticket) for (start, ticket), (_, slow) in zip(began, paces, strict=True)]
    for end, ticket in sorted(ended, key=lambda pair: pair[0]):
        breaker.end(end, ticket, failed=False)
        assert breaker.state(end) == "closed"


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=300))
def test_a_provider_that_answers_every_second_call_never_opens_it(steps: list[tuple[float, bool]]) -> None:
    breaker, moment = a_breaker(), 0.0
    for pause, twice in steps:
        moment += pause
        calls(breaker, moment, ok=2 if twice else 1, failed=1)
        assert breaker.state(moment) == "closed"


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 30), st.integers(0, 30)), max_size=30))
def test_it_always_heals_and_never_lets_all_through_while_open(steps: list[tuple[float, int, int]]) -> None:
    breaker, moment = a_breaker(), 0.0
    for pause, ok, failed in steps:
        moment += pause
        allowed = breaker.allowance(moment)
        assert (allowed == 0) >= (breaker.state(moment) == "open")
        calls(breaker, moment, ok=min(ok, allowed), failed=min(failed, max(allowed - ok, 0)))
    # By then any pause is over, and the failures of before no longer count.
    moment += 60
    for _ in range(sum(PROBES)):
        calls(breaker, moment, ok=min(breaker.allowance(moment), 1))
    assert breaker.state(moment) == "closed"
