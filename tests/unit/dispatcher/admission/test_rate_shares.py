"""Who of several dispatchers gets how much of a rate."""

from uuid import UUID

import pytest

from services.dispatcher.admission.rate_shares import RateWish, entitled

NAMES = [UUID(int=number) for number in range(1, 6)]


def shares(wants: list[int], total: int, needs: list[int] | None = None, turn: int = 0) -> list[int]:
    needs = needs or [1] * len(wants)
    wishes = {name: RateWish(want, need) for name, want, need in zip(NAMES, wants, needs, strict=False)}
    return [entitled(name, wishes, total, turn) for name in wishes]


@pytest.mark.parametrize(
    ("wants", "total", "expected"),
    [
        ([200] * 5, 200, [40] * 5),
        # What the others do not need, the fifth gets.
        ([20, 20, 20, 0, 200], 200, [20, 20, 20, 0, 140]),
        ([200], 200, [200]),
        ([0, 0], 200, [0, 0]),
        ([10, 10], 200, [10, 10]),
        # Nothing is left over where it does not divide.
        ([200, 200, 200], 200, [66, 67, 67]),
    ],
)
def test_all_get_the_same_and_nothing_stays_unused(wants: list[int], total: int, expected: list[int]) -> None:
    assert shares(wants, total) == expected


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_of_more_dispatchers_than_tokens_each_has_its_turn(total: int) -> None:
    by_turn = [shares([10] * 5, total, turn=turn) for turn in range(5)]
    assert all(sum(given) == total for given in by_turn)
    assert all(any(given[place] for given in by_turn) for place in range(5))


def test_a_share_is_large_enough_for_the_largest_message() -> None:
    assert shares([10] * 5, 10, [1, 4, 1, 1, 1]) == [5, 5, 0, 0, 0]
    # One that is larger than the rate has all of it, and pays in time.
    assert sorted(shares([10] * 5, 10, [1, 99, 1, 1, 1])) == [0, 0, 0, 0, 10]
