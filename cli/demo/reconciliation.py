"""Whether the statistics of a mailing and the sandbox's ledger tell the same."""

from dataclasses import dataclass

from cli.connections.api import Json


@dataclass(frozen=True, slots=True)
class Check:
    """Two numbers that must be equal."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        return self.expected == self.found


def compare(statistics: Json, ledger: Json, matching: int) -> list[Check]:
    """Compares all that can be counted twice. `matching` is how many clients the mailing is for."""
    by_status, total = statistics["by_status"], statistics["total"]
    return [
        Check("messages = matching clients", matching, total),
        Check("statuses add up to the messages", total, sum(by_status.values())),
        Check("sent = messages the sandbox accepted", ledger["unique"], by_status["sent"]),
        Check("messages the sandbox accepted twice", 0, ledger["duplicates"]),
    ]
