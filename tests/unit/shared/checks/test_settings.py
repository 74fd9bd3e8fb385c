"""Which differences between the settings of processes are found."""

from datetime import timedelta

from shared.checks.settings import Difference, compare, read_delays, show_delays

MINE = {"HERALD_RETRY_DELAYS": "5s,30s", "HERALD_MAX_ATTEMPTS": "8"}


def test_equal_settings_and_settings_that_another_process_lacks_are_no_difference() -> None:
    assert compare(MINE, {"reporter": {"HERALD_RETRY_DELAYS": "5s,30s"}, "api": {"HERALD_OTHER": "1"}}) == []


def test_a_difference_names_the_variable_both_values_and_the_process() -> None:
    assert compare(MINE, {"planner 7 at a": {"HERALD_RETRY_DELAYS": "5s"}}) == [
        Difference("HERALD_RETRY_DELAYS", "5s,30s", "5s", "planner 7 at a")
    ]


def test_delays_that_are_written_differently_are_equal() -> None:
    assert show_delays((timedelta(minutes=1),)) == show_delays((timedelta(seconds=60),)) == "60s"


def test_delays_of_another_process_are_read_as_they_were_shown() -> None:
    delays = (timedelta(seconds=1), timedelta(milliseconds=1500), timedelta(hours=1))
    assert read_delays(show_delays(delays)) == delays
