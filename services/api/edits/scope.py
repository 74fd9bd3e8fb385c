"""What an edit concerns: one mailing, some clients, or everything. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

# More clients are not named one by one: every dispatcher then gives back all that it has not begun, which costs less.
MOST_CLIENTS = 100


@dataclass(frozen=True, slots=True)
class EditScope:
    """The messages that an edit concerns: those of a mailing, those to some clients, or all if neither is given."""

    mailing_id: int | None = None
    client_ids: tuple[int, ...] | None = None

    @classmethod
    def of_mailing(cls, mailing_id: int) -> Self:
        return cls(mailing_id=mailing_id)

    @classmethod
    def of_clients(cls, client_ids: Collection[int]) -> Self:
        """Returns the scope of these clients, or of everything if they are too many to name."""
        return cls(client_ids=tuple(sorted(client_ids))) if len(client_ids) <= MOST_CLIENTS else cls()
