"""Variables that nothing reads are named, with the known one that was probably meant."""

import pytest

from shared.checks.variables import KNOWN, UnknownVariable, find_unknown
from tests.unit.deploy.variables import known


def test_every_setting_of_a_process_or_a_command_is_known() -> None:
    assert known() - KNOWN == set()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("HERALD_RETRY_DELAY", "HERALD_RETRY_DELAYS"),
        ("HERALD_PROVIDER_TIME_OUT", "HERALD_PROVIDER_TIMEOUT"),
        ("HERALD_MAX_ATTEMPT", "HERALD_MAX_ATTEMPTS"),
        ("HERALD_XYZZY", None),
    ],
)
def test_an_unknown_variable_is_found_with_the_nearest_known_one(name: str, nearest: str | None) -> None:
    assert find_unknown([name, "HERALD_TOKEN", "PATH"]) == [UnknownVariable(name, nearest)]


def test_variables_of_the_tests_and_of_others_are_not_looked_at() -> None:
    assert find_unknown(["HERALD_TEST_ANYTHING", "HOME", "herald_x", *KNOWN]) == []
