"""Finds the values that a module allows for a word, whatever the type is called."""

from types import ModuleType
from typing import get_args


def values_beside(module: ModuleType, value: str) -> tuple[str, ...]:
    """Returns the values of the module's Literal that holds `value`. Raises StopIteration where there is none."""
    return next(get_args(kind) for kind in vars(module).values() if value in get_args(kind))
