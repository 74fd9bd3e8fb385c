"""The limit of rejected messages, as its variable has it."""

import pytest

from services.planner.rejection_limit import RejectionLimit


@pytest.mark.parametrize(("text", "limit"), [("5%,100", (0.05, 100)), (" 12.5 % , 1 ", (0.125, 1)), ("100%,7", (1, 7))])
def test_a_share_and_a_number_are_read(text: str, limit: tuple[float, int]) -> None:
    assert RejectionLimit.parse(text) == RejectionLimit(*limit)


@pytest.mark.parametrize("text", ["", "5", "5%", "5,100", "0%,100", "101%,100", "5%,0", "5%,-1", "a%,b", "5%,1e3"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="like 5%,100"):
        RejectionLimit.parse(text)
