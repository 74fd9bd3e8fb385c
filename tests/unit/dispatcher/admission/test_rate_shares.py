"""Who of several dispatchers gets how much of a rate."""

from uuid import UUID

import pytest

from services.dispatcher.admission.rate_shares import HeldLease, RateWish, entitled, settle

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
        # What nobody wants lies ready all the same.
        ([0, 0], 200, [100, 100]),
        ([0, 0, 0], 200, [67, 67, 66]),
        ([10, 10], 200, [100, 100]),
        ([150, 0, 0], 200, [167, 17, 16]),
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


@pytest.mark.parametrize(
    ("held", "leases", "expected"),
    [
        # Nobody has any, or nobody else wants any.
        (0, {}, (10, 10)),
        (0, {1: (0, 0), 2: (0, 0)}, (10, 10)),
        # What others have is theirs until they give it back.
        (0, {1: (0, 0), 2: (8, 10)}, (2, 5)),
        # Too much stays until it is given back.
        (9, {1: (9, 10), 2: (1, 10)}, (9, 5)),
        # The table knows of fewer: the rest was given away meanwhile.
        (9, {1: (3, 10), 2: (7, 10)}, (3, 5)),
        (9, {2: (10, 10)}, (0, 5)),
    ],
)
def test_a_lease_adds_up_with_the_others(
    held: int, leases: dict[int, tuple[int, int]], expected: tuple[int, int]
) -> None:
    found = {NAMES[place - 1]: HeldLease(tokens, RateWish(wanted)) for place, (tokens, wanted) in leases.items()}
    assert settle(NAMES[0], held, RateWish(10), found, 10, 0) == expected
