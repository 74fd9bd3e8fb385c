"""How long the provider may keep trying, in its own unit. Pure."""

from datetime import timedelta

from shared.providers.schema import ValidityConfig

_UNIT_SECONDS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600}
_MINUTE = 60


def read_validity(config: ValidityConfig, seconds_left: float) -> int | str | None:
    """Returns the validity for the time left, rounded down and cut to the most; None if it is less than the least.

    Without a least that is one unit.
    """
    seconds = min(seconds_left, config.max.total_seconds())
    unit = _MINUTE if config.format == "HH:MM" else _UNIT_SECONDS[config.unit]
    # A thousandth of a second is 0.001, which no binary fraction is.
    whole = int(seconds / unit + 1e-9)
    if whole < 1 or timedelta(seconds=whole * unit) < (config.min or timedelta(0)):
        return None
    return f"{whole // 60:02d}:{whole % 60:02d}" if config.format == "HH:MM" else whole
