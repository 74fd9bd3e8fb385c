"""A cause that comes again and again is one line a minute, which says how often it came."""

from shared.logs.repeats import MOST_CAUSES, REPEAT_SECONDS, RepeatedCauses
from tests.support.fakes import FakeClock


def test_a_cause_is_logged_at_once_and_then_once_a_minute_with_its_number() -> None:
    clock = FakeClock(0.0)
    repeats = RepeatedCauses(clock)
    assert [repeats.count("refused") for _ in range(4)] == [1, 0, 0, 0]
    clock.move_to(REPEAT_SECONDS)
    assert [repeats.count("refused") for _ in range(2)] == [4, 0]


def test_another_cause_is_logged_at_once() -> None:
    repeats = RepeatedCauses(FakeClock(0.0))
    assert [repeats.count(cause) for cause in ("refused", "timeout", "refused")] == [1, 1, 0]


def test_a_cause_that_was_over_is_news() -> None:
    repeats = RepeatedCauses(FakeClock(0.0))
    repeats.count("refused")
    repeats.forget()
    assert repeats.count("refused") == 1


def test_causes_that_are_never_alike_are_forgotten() -> None:
    repeats = RepeatedCauses(FakeClock(0.0))
    for port in range(MOST_CAUSES + 1):
        repeats.count(f"port {port}")
    assert repeats.count("port 1") == 0
    assert repeats.count("port 0") == 1
