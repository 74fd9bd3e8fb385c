"""The result of a chaos experiment: one line of the chaos table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """What became of the messages of an experiment.

    `recovered` is in seconds; None means that the rate did not come back, or was not measured. `violations` names
    each broken promise with its evidence.
    """

    fault: str
    attempts: int
    accepted: int
    lost: int
    duplicated: int
    late: int
    recovered: float | None
    note: str = ""
    violations: tuple[str, ...] = ()

    @classmethod
    def of_figures(cls, fault: str, ledger: Mapping[str, int], note: str, *violations: str) -> Self:
        """Makes the result of a measurement, in which nothing was broken: what the ledger counts, and the figures."""
        accepted, repeats = ledger["accepted"], ledger["duplicates"]
        return cls(fault, accepted, accepted, 0, repeats, 0, None, note, violations)

    def pack(self) -> str:
        """Serialises the result as text for a property of a pytest report."""
        return json.dumps(asdict(self))


def unpack(text: str) -> ExperimentResult:
    fields = json.loads(text)
    return ExperimentResult(**fields | {"violations": tuple(fields["violations"])})


HEADINGS = ("fault", "attempts", "accepted", "lost", "duplicated", "late", "recovered after (s)", "note")


def format_table(results: Sequence[ExperimentResult]) -> list[str]:
    """Formats results as the lines of a Markdown table, sorted by fault."""
    rows = [HEADINGS, *(_cells(result) for result in sorted(results, key=lambda result: result.fault))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    head, *body = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"| {text} |" for text in (head, " | ".join("-" * width for width in widths), *body)]


def _cells(result: ExperimentResult) -> tuple[str, ...]:
    recovered = "-" if result.recovered is None else f"{result.recovered:.1f}"
    counts = (result.attempts, result.accepted, result.lost, result.duplicated, result.late)
    note = [*(["PROMISE BROKEN"] if result.violations else []), *([result.note] if result.note else [])]
    return (result.fault, *(str(count) for count in counts), recovered, "; ".join(note))


def list_violations(results: Sequence[ExperimentResult]) -> list[str]:
    """Lists the broken promises of all results, one a line."""
    return [f"BROKEN {result.fault}: {violation}" for result in results for violation in result.violations]
