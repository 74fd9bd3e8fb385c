"""Each mailing gets its share of the capacity."""

import pytest

from services.planner.scheduler import GUARANTEED, LEAST_CHUNK, MESSAGES_PER_CHUNK, Capacity


@pytest.mark.parametrize(
    ("room", "in_flight", "sharers", "share"),
    [
        # Room for all: each gets its part, in chunks that are worth a transaction.
        (4000, 0, 1, MESSAGES_PER_CHUNK),
        (800, 0, 4, 200),
        (120, 0, 8, LEAST_CHUNK),
        (60, 500, 8, LEAST_CHUNK),
        # No room: what is guaranteed, no more.
        (0, 0, 1, GUARANTEED),
        (0, 15, 1, GUARANTEED - 15),
        (0, 20, 1, 0),
        (0, 5000, 3, -4980),
    ],
)
def test_a_mailing_gets_its_share_of_the_room_and_what_is_guaranteed(
    room: int, in_flight: int, sharers: int, share: int
) -> None:
    capacity = Capacity(room=room, in_flight={1: in_flight}, guaranteed=GUARANTEED)
    assert max(capacity.share(1, room, sharers), 0) == max(share, 0)


def test_without_room_only_those_below_what_is_guaranteed_are_served() -> None:
    in_flight = {1: 5000, 2: 20, 3: 19}
    assert Capacity(room=0, in_flight=in_flight, guaranteed=GUARANTEED).passed_over == [1, 2]
    assert Capacity(room=50, in_flight=in_flight, guaranteed=GUARANTEED).passed_over == []


def test_nothing_is_open_while_there_is_neither_room_nor_a_guarantee() -> None:
    assert not Capacity(room=0, in_flight={}, guaranteed=0).open
    assert Capacity(room=0, in_flight={}, guaranteed=GUARANTEED).open


def test_the_room_is_shared_out_over_a_batch_and_the_rest_get_what_is_guaranteed() -> None:
    capacity = Capacity(room=120, in_flight={4: 15, 5: 20}, guaranteed=GUARANTEED)
    assert capacity.shares([1, 2, 3, 4, 5]) == {1: 50, 2: 50, 3: GUARANTEED, 4: 5}
