"""The edits that this process has heard of. Pure."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

# The API reports an edit for 10 s, and no claim is on its way for longer than its statement may take.
REPORTED_SECONDS, REMEMBERED_SECONDS = 20.0, 60.0


@dataclass(frozen=True, slots=True)
class HeardEdit:
    """An edit of a mailing, of some clients, or of everything where neither is given."""

    id: int
    mailing_id: int | None = None
    client_ids: Collection[int] | None = None

    def concerns(self, mailing_id: int, client_id: int) -> bool:
        if self.mailing_id is not None:
            return mailing_id == self.mailing_id
        return self.client_ids is None or client_id in self.client_ids


class HeardEdits:
    """The edits heard, counted. A claim is judged by those that were heard since it was asked for."""

    def __init__(self) -> None:
        self.count = 0
        self._edits: deque[tuple[int, float, HeardEdit]] = deque()

    def ids(self, moment: float) -> list[int]:
        """Returns the ids to report: those heard lately."""
        return [edit.id for _, heard_at, edit in self._edits if heard_at > moment - REPORTED_SECONDS]

    def hear(self, edit: HeardEdit, moment: float) -> bool:
        """Records an edit. Returns False if it was heard before."""
        while self._edits and self._edits[0][1] < moment - REMEMBERED_SECONDS:
            self._edits.popleft()
        if any(known.id == edit.id for _, _, known in self._edits):
            return False
        self.count += 1
        self._edits.append((self.count, moment, edit))
        return True

    def concern_since(self, count: int, mailing_id: int, client_id: int) -> bool:
        """Returns whether any edit that was heard after the first `count` concerns this message."""
        if count == self.count:
            return False
        return any(number > count and edit.concerns(mailing_id, client_id) for number, _, edit in self._edits)
