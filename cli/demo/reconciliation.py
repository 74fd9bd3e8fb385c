"""Compares the statistics of a mailing with the sandbox's ledger. Pure."""

from dataclasses import dataclass

from cli.connections.api import Json


@dataclass(frozen=True, slots=True)
class Check:
    """Two numbers that must be equal."""

    name: str
    expected: int
    found: int

    @property
    def passed(self) -> bool:
        return self.expected == self.found


def compare(statistics: Json, ledger: Json, matching: int) -> list[Check]:
    """Returns a check for every number that is known from two sources.

    `matching` is the number of clients that the filter of the mailing selects.
    """
    by_status, total = statistics["by_status"], statistics["total"]
    return [
        Check("messages = matching clients", matching, total),
        Check("statuses add up to the messages", total, sum(by_status.values())),
        Check("sent = messages the sandbox accepted", ledger["unique"], by_status["sent"]),
        Check("messages the sandbox accepted twice", 0, ledger["duplicates"]),
    ]
