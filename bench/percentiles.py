"""Percentiles of measured values."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float, digits: int = 2) -> float:
    """Returns the value below which `share` of the ascending values lie, rounded; 0 if there are none."""
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], digits) if ordered else 0.0
