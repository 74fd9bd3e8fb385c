"""Counts what became of the lines of a file for the stop list. Pure."""

from collections.abc import Iterable


class EntryTally:
    """The entries that the batches of one file came to, each phone once a batch.

    An entry that an earlier batch had is a phone that the file repeats. Which ones those are is kept as a bit an entry,
    since a file may have millions.
    """

    def __init__(self) -> None:
        self.added = 0
        self.present = 0
        self.repeated = 0
        self._seen = bytearray()

    def count(self, entry_ids: Iterable[int], added: int) -> None:
        """Counts a batch: the ids of all its entries, of which so many are new."""
        ids = list(entry_ids)
        repeated = sum(self._note(entry_id) for entry_id in ids)
        self.added += added
        self.repeated += repeated
        self.present += len(ids) - added - repeated

    def _note(self, entry_id: int) -> bool:
        """Notes an entry, and returns whether it was there before."""
        place, bit = entry_id >> 3, 1 << (entry_id & 7)
        if place >= len(self._seen):
            self._seen.extend(bytes(place + 1 - len(self._seen)))
        known = bool(self._seen[place] & bit)
        self._seen[place] |= bit
        return known
