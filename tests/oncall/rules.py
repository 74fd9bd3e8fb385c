"""The alert rules with a tenth of their `for`, but 10 s of it at least, so that faults are seen in seconds.

Nothing else changes: windows such as [5m] are as long as ever. What an alert would have taken is what it took, and what
was left out of its `for`. Burn rates are left out: without an hour of history, a bad minute is all that there was.
"""

from pathlib import Path

import yaml

from tests.support.monitoring.prometheus import RULES

SHARE = 0.1
# A busy machine may take seconds to answer a scrape, which is no process that is gone.
LEAST_SECONDS = 10.0
NEEDS_HISTORY = "slo.yml"
UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(duration: str) -> int:
    """Returns the seconds of a duration such as 90s or 2m."""
    return int(duration[:-1]) * UNITS[duration[-1]]


def write_hastened(folder: Path) -> tuple[Path, dict[str, float]]:
    """Writes the rules into a folder. Returns them as a pattern, and by alert the seconds that were left out."""
    left_out: dict[str, float] = {}
    for path in sorted(RULES.parent.glob(RULES.name)):
        if path.name == NEEDS_HISTORY:
            continue
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule in (rule for group in content["groups"] for rule in group["rules"] if "alert" in rule):
            whole = seconds_of(rule.get("for", "0s"))
            kept = min(max(whole * SHARE, LEAST_SECONDS), whole)
            left_out[rule["alert"]] = whole - kept
            rule["for"] = f"{round(kept * 1000)}ms"
        (folder / f"hastened-{path.name}").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / "hastened-*.yml", left_out
