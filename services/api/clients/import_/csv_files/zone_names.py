"""Reads time zones as people write them, where that means one zone exactly. Pure."""

import re
from collections.abc import Mapping

from services.api.web.reading.parsing import Zones

# An offset in whole hours has a zone of its own, which never changes. Others have none.
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+\-\u2212])\s*(\d{1,2})(?::?(00))?")
_NAMES = {"msk": "Europe/Moscow", "мск": "Europe/Moscow", "z": "UTC", "utc": "UTC", "gmt": "UTC"}


class ZoneNames:
    """The spellings of the zones that an installation knows."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self._spelled: Mapping[str, str] | None = None

    def read(self, text: str) -> str | None:
        """Returns the IANA name of a zone: by its own name in any case, MSK, or an offset such as UTC+3 or +03:00."""
        if text in self._zones:
            return text
        lowered = text.strip().lower()
        named = _NAMES.get(lowered) or _of_offset(lowered) or self._by_case().get(lowered)
        return named if named in self._zones else None

    def _by_case(self) -> Mapping[str, str]:
        if self._spelled is None:
            self._spelled = {zone.lower(): zone for zone in sorted(self._zones)}
        return self._spelled


def _of_offset(text: str) -> str | None:
    found = _OFFSET.fullmatch(text)
    if found is None:
        return None
    hours = int(found[2])
    if hours == 0:
        return "UTC"
    # The names of these zones have the sign of POSIX, which is the other one.
    return f"Etc/GMT{'-' if found[1] == '+' else '+'}{hours}"
