"""A batch of an import holds each phone once, and every line is counted once."""

import pytest

from services.api.clients.import_.batch import Batch, ImportTally, OnConflict, StoredCounts, count
from services.api.clients.import_.errors import Rejected
from services.api.clients.schemas import ClientNew

ZONES = {"zones": frozenset({"UTC"})}


def a_client(**values: str) -> ClientNew:
    return ClientNew.model_validate({"phone": "79990000001", **values}, context=ZONES)


@pytest.mark.parametrize(
    ("on_conflict", "tag", "zone"),
    [("update", "last", "UTC"), ("skip", "first", None)],
)
def test_a_phone_that_comes_twice_is_in_the_batch_once(on_conflict: OnConflict, tag: str, zone: str | None) -> None:
    batch = Batch(on_conflict)
    batch.add(a_client(tag="first"))
    batch.add(a_client(tag="last"))
    batch.add(a_client(timezone="UTC"))
    columns = batch.columns()
    assert (columns.phones, columns.operator_codes, columns.tags, columns.timezones) == (
        ["79990000001"],
        [None],
        [tag],
        [zone],
    )
    assert (len(batch), batch.repeated) == (1, 2)


@pytest.mark.parametrize(
    ("on_conflict", "stored", "expected"),
    [
        # four phones, two of them given once more
        ("update", StoredCounts(created=1, updated=3, unchanged=0, repeated=0), (1, 3, 0, 0, 2)),
        ("update", StoredCounts(created=1, updated=2, unchanged=0, repeated=0), (1, 2, 0, 1, 2)),
        ("update", StoredCounts(created=1, updated=1, unchanged=1, repeated=1), (1, 1, 1, 0, 3)),
        ("skip", StoredCounts(created=1, updated=0, unchanged=0, repeated=0), (1, 0, 0, 3, 2)),
    ],
)
def test_every_line_is_counted_once(
    on_conflict: OnConflict, stored: StoredCounts, expected: tuple[int, int, int, int, int]
) -> None:
    batch, tally = Batch(on_conflict), ImportTally()
    for number in (1, 2, 3, 4, 1, 2):
        batch.add(a_client(phone=f"7999000000{number}"))
    count(tally, batch, stored)
    assert (tally.created, tally.updated, tally.unchanged, tally.skipped, tally.repeated) == expected
    assert sum(expected) == 6


def test_only_the_first_hundred_complaints_are_kept() -> None:
    tally = ImportTally()
    for line in range(1, 1001):
        tally.reject(Rejected(line, "bad"))
    report = tally.report()
    assert report.rejected == 1000
    assert [error.line for error in report.errors] == list(range(1, 101))
