"""Prints what `make oncall` saw, as the table of docs/operations.md."""

import json
import sys
from typing import Any

from tests.support.monitoring.metrics_table import ROOT

FOLDER = ROOT / ".cache" / "oncall"


def line_of(row: dict[str, Any]) -> str:
    """Returns the table's line of a fault: what fired after how many seconds, and what reaches somebody."""
    alerts = ", ".join(f"{name} {seconds} s" for name, seconds in sorted(row["alerts"].items(), key=lambda one: one[1]))
    return f"| {row['fault']} | {alerts or 'none'} | {', '.join(row['pages']) or 'nobody'} |"


def main() -> int:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    sys.stdout.write("| fault | alerts that fire, and after how long | who is told what |\n|---|---|---|\n")
    sys.stdout.write("".join(line_of(row) + "\n" for row in rows))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
