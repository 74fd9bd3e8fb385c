"""A part of a phone is searched for in every usual notation."""

import re

import pytest
from pydantic import ValidationError

from services.api.clients.phone_search import patterns_of
from services.api.clients.schemas import ClientsFilter

PHONE = "79161234567"


def _found(part: str) -> bool:
    return any(re.fullmatch(pattern.replace("%", ".*"), PHONE) for pattern in patterns_of(part))


@pytest.mark.parametrize(
    "part",
    [
        "79161234567",
        "+7 (916) 123-45-67",
        "8 916 123 45 67",
        "89161",
        "8 (916)",
        "916",
        "+7 916",
        "4567",
        "45-67",
        "123.45",
    ],
)
def test_a_part_is_found_however_it_is_written(part: str) -> None:
    assert ClientsFilter(q=part).q == part
    assert _found(part)


@pytest.mark.parametrize("part", ["917", "+916", "+4567", "8 123", "45678"])
def test_another_phone_is_not(part: str) -> None:
    assert not _found(part)


@pytest.mark.parametrize("part", ["", "91", "+7", "vip", "916 vip", "%__", "1" * 16, "9 1 6 +7"])
def test_what_is_no_part_of_a_phone_is_refused(part: str) -> None:
    with pytest.raises(ValidationError):
        ClientsFilter(q=part)
