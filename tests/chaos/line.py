"""One line of the chaos table: what a fault came to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """`recovered` is in seconds, None when sending did not come back or was not measured.

    `broken` names the promises that were broken, each with its evidence; `note` says what else is worth knowing.
    """

    fault: str
    attempts: int
    accepted: int
    lost: int
    duplicated: int
    late: int
    recovered: float | None
    note: str = ""
    broken: tuple[str, ...] = ()

    def pack(self) -> str:
        """Writes it as the text of a report's property."""
        return json.dumps(asdict(self))


def unpack(text: str) -> Line:
    fields = json.loads(text)
    return Line(**fields | {"broken": tuple(fields["broken"])})


HEADINGS = ("fault", "attempts", "accepted", "lost", "duplicated", "late", "recovered after (s)", "note")


def table(lines: Sequence[Line]) -> list[str]:
    """Lays lines out as a Markdown table, so that it can be pasted as it is."""
    rows = [HEADINGS, *(_cells(line) for line in sorted(lines, key=lambda line: line.fault))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    head, *body = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"| {text} |" for text in (head, " | ".join("-" * width for width in widths), *body)]


def _cells(line: Line) -> tuple[str, ...]:
    recovered = "-" if line.recovered is None else f"{line.recovered:.1f}"
    counts = (line.attempts, line.accepted, line.lost, line.duplicated, line.late)
    note = [*(["PROMISE BROKEN"] if line.broken else []), *([line.note] if line.note else [])]
    return (line.fault, *(str(count) for count in counts), recovered, "; ".join(note))


def evidence(lines: Sequence[Line]) -> list[str]:
    """Lists the promises that were broken, one a line."""
    return [f"BROKEN {line.fault}: {broken}" for line in lines for broken in line.broken]
