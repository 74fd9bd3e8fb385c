"""Rows as parameters of a test: the quick ones run with the other tests, too."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.chaos.row import Row

# From the first process to the verdict; a row that needs longer is stuck.
ROW_SECONDS = 280


def parameters(rows: Sequence[Row]) -> list[Any]:
    """Makes a parameter of every row, marked unless it is quick."""
    return [
        pytest.param(row, id=row.fault.replace(" ", "-"), marks=() if row.quick else (pytest.mark.chaos,))
        for row in rows
    ]
