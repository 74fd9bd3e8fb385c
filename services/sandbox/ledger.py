"""The in-memory ledger: every request, packed to 39 bytes, and what was accepted.

A text is kept once however many messages carry it; a million messages then take about 150 MB.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from services.sandbox.modes import MODES, Mode

_ROW = struct.Struct("<qdBHqiiI")
_MODES = tuple(Mode)
_NUMBERS = {mode: number for number, mode in enumerate(_MODES)}
_NO_MODE, _NO_STATUS, _NO_PHONE, _NONE = 255, 0, 0, -1


class _Row(NamedTuple):
    """One request as it is stored.

    `received` is in seconds since 1970. `text` is an index into the texts. `previous` is the index of the row before
    this one of the same message. `accepted` is how often the message was accepted up to here.
    """

    message_id: int
    received: float
    mode: int
    status: int
    phone: int
    text: int
    previous: int
    accepted: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One request. `mode`, `phone` and `text` are None when it was refused before any fault was drawn.

    `http_status` is None when no reply was given.
    """

    received_at: datetime
    mode: Mode | None
    http_status: int | None
    phone: int | None = None
    text: str | None = None

    @property
    def accepted(self) -> bool:
        return self.mode is not None and MODES[self.mode].accepted


class Ledger:
    """All requests, counted and stored until the ledger is emptied.

    accepted: requests that were accepted, also those whose reply was lost. unique: messages accepted.
    rejected: all other requests, so that accepted + rejected is the number of requests.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._rows = bytearray()
        self._newest: dict[int, int] = {}
        self._first_accepted: list[int] = []
        self._texts: list[str] = []
        self._text_places: dict[str, int] = {}
        self._accepted = 0
        self._rejected = 0

    def record(self, message_id: int | None, entry: LedgerEntry) -> None:
        """Adds a request. A request whose path has no readable id is only counted."""
        accepted = entry.accepted
        self._accepted += accepted
        self._rejected += not accepted
        if message_id is not None:
            self._append(message_id, entry, accepted)

    def counts(self) -> dict[str, int]:
        """Returns the counts. after_deadline is always 0: a provider does not know deadlines."""
        return {
            "accepted": self._accepted,
            "unique": len(self._first_accepted),
            "duplicates": self._accepted - len(self._first_accepted),
            "after_deadline": 0,
            "rejected": self._rejected,
        }

    def requests(self, message_id: int) -> list[LedgerEntry]:
        """Lists every request for a message, oldest first."""
        return [self._entry(row) for row in self._back_from(self._newest.get(message_id, _NONE))][::-1]

    def accepted_messages(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Lists accepted messages in the order of their first acceptance, skipping the first `after` of them.

        Phone, text and moment are those of the first acceptance; `count` is how often it was accepted so far.
        """
        return [self._accepted_message(self._row(place)) for place in self._first_accepted[after : after + limit]]

    def all_requests(self, after: int, limit: int) -> list[tuple[int, LedgerEntry]]:
        """Lists (message id, request) of all messages in the order of arrival, skipping the first `after` of them."""
        last = min(after + limit, len(self._rows) // _ROW.size)
        rows = (self._row(place) for place in range(after, last))
        return [(row.message_id, self._entry(row)) for row in rows]

    def _append(self, message_id: int, entry: LedgerEntry, accepted: bool) -> None:
        place = len(self._rows) // _ROW.size
        previous = self._newest.get(message_id, _NONE)
        times = accepted if previous == _NONE else self._row(previous).accepted + accepted
        if accepted and times == 1:
            self._first_accepted.append(place)
        self._newest[message_id] = place
        self._rows += _ROW.pack(
            message_id,
            entry.received_at.timestamp(),
            _NO_MODE if entry.mode is None else _NUMBERS[entry.mode],
            entry.http_status or _NO_STATUS,
            entry.phone or _NO_PHONE,
            _NONE if entry.text is None else self._place_text(entry.text),
            previous,
            times,
        )

    def _place_text(self, text: str) -> int:
        place = self._text_places.setdefault(text, len(self._texts))
        if place == len(self._texts):
            self._texts.append(text)
        return place

    def _row(self, place: int) -> _Row:
        return _Row._make(_ROW.unpack_from(self._rows, place * _ROW.size))

    def _back_from(self, place: int) -> Iterator[_Row]:
        while place != _NONE:
            row = self._row(place)
            yield row
            place = row.previous

    def _entry(self, row: _Row) -> LedgerEntry:
        return LedgerEntry(
            received_at=datetime.fromtimestamp(row.received, UTC),
            mode=None if row.mode == _NO_MODE else _MODES[row.mode],
            http_status=row.status or None,
            phone=row.phone or None,
            text=None if row.text == _NONE else self._texts[row.text],
        )

    def _accepted_message(self, row: _Row) -> dict[str, Any]:
        first = self._entry(row)
        return {
            "id": row.message_id,
            "count": self._row(self._newest[row.message_id]).accepted,
            "phone": first.phone,
            "text": first.text,
            "accepted_at": first.received_at,
        }
