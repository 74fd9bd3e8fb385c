"""The ledger counts and lists every request."""

from datetime import UTC, datetime, timedelta

import pytest

from services.sandbox.ledger import Ledger, LedgerEntry
from services.sandbox.modes import MODES, Mode

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
ACCEPTED = {Mode.OK, Mode.QUEUED202, Mode.SLOW_DRIP, Mode.LOST_REPLY}


def an_entry(
    mode: Mode = Mode.OK, *, received_at: datetime = NOON, phone: int = 79991234567, text: str = "hello"
) -> LedgerEntry:
    return LedgerEntry(received_at, mode, MODES[mode].status, phone, text)


def a_ledger(*requests: tuple[int | None, LedgerEntry]) -> Ledger:
    ledger = Ledger()
    for message_id, entry in requests:
        ledger.record(message_id, entry)
    return ledger


def test_an_empty_ledger_counts_nothing() -> None:
    assert Ledger().counts() == {"accepted": 0, "unique": 0, "duplicates": 0, "after_deadline": 0, "rejected": 0}


def test_a_message_accepted_twice_is_a_duplicate() -> None:
    ledger = a_ledger((1, an_entry(Mode.LOST_REPLY)), (2, an_entry()), (1, an_entry(Mode.ERROR500)), (1, an_entry()))
    assert ledger.counts() == {"accepted": 3, "unique": 2, "duplicates": 1, "after_deadline": 0, "rejected": 1}


@pytest.mark.parametrize("mode", Mode)
def test_a_request_is_either_accepted_or_rejected(mode: Mode) -> None:
    counts = a_ledger((1, an_entry(mode))).counts()
    assert (counts["accepted"], counts["rejected"]) == ((1, 0) if mode in ACCEPTED else (0, 1))


@pytest.mark.parametrize("mode", Mode)
def test_a_request_is_remembered_as_it_came(mode: Mode) -> None:
    entry = an_entry(mode, text="Привет, 😀")
    assert a_ledger((-5, entry)).requests(-5) == [entry]


def test_a_malformed_request_is_remembered_without_phone_and_text() -> None:
    entry = LedgerEntry(NOON, None, 400)
    assert a_ledger((2**63 - 1, entry)).requests(2**63 - 1) == [entry]


def test_a_request_without_an_id_is_only_counted() -> None:
    assert a_ledger((None, LedgerEntry(NOON, None, 400))).counts()["rejected"] == 1


def test_requests_of_a_message_come_oldest_first() -> None:
    entries = [an_entry(received_at=NOON + timedelta(seconds=second)) for second in range(3)]
    ledger = a_ledger((1, entries[0]), (2, an_entry()), (1, entries[1]), (1, entries[2]))
    assert ledger.requests(1) == entries


def test_an_unknown_message_has_no_requests() -> None:
    assert Ledger().requests(1) == []


def test_accepted_messages_are_listed_once_in_the_order_of_their_first_acceptance() -> None:
    first = an_entry(Mode.LOST_REPLY, text="before the edit")
    later = an_entry(received_at=NOON + timedelta(seconds=9), text="after the edit")
    ledger = a_ledger((7, an_entry(Mode.HANG)), (3, an_entry()), (7, first), (7, later), (4, an_entry(Mode.EMPTY)))
    assert [item["id"] for item in ledger.accepted_messages(0, 10)] == [3, 7]
    assert ledger.accepted_messages(1, 10) == [
        {"id": 7, "count": 2, "phone": 79991234567, "text": "before the edit", "accepted_at": NOON}
    ]


def test_accepted_messages_are_paged() -> None:
    ledger = a_ledger(*((number, an_entry()) for number in range(5)))
    pages = [[item["id"] for item in ledger.accepted_messages(after, 2)] for after in (0, 2, 4, 6)]
    assert pages == [[0, 1], [2, 3], [4], []]


def test_an_emptied_ledger_is_as_new() -> None:
    ledger = a_ledger((1, an_entry()), (1, an_entry(Mode.EMPTY)))
    ledger.clear()
    assert ledger.counts() == Ledger().counts()
    assert (ledger.requests(1), ledger.accepted_messages(0, 10)) == ([], [])
