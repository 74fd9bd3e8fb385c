"""Parses the limit of rejected messages above which a mailing is paused. Pure."""

import re
from dataclasses import dataclass
from typing import Self

_LIMIT = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*%\s*,\s*(\d{1,9})\s*")


@dataclass(frozen=True, slots=True)
class RejectionLimit:
    """The limit of rejected messages: their share of those that were sent or given up, and the least number of them."""

    share: float
    least: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses "5%,100". Raises ValueError for anything else, and for a share of 0 or above 100 %."""
        found = _LIMIT.fullmatch(text)
        share = float(found[1]) / 100 if found else 0.0
        if found is None or not 0 < share <= 1 or int(found[2]) == 0:
            raise ValueError(f"{text!r} is not a share and a least number of rejected messages, like 5%,100")
        return cls(share, int(found[2]))
