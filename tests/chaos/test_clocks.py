"""Rows in which the wall clocks of the workers are an hour off: the database's clock decides."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.chaos import clocks
from tests.chaos.arena import PIPELINE, Arena
from tests.chaos.conftest import RunRow
from tests.chaos.row import Row
from tests.chaos.table import ROW_SECONDS, parameters

pytestmark = pytest.mark.timeout(ROW_SECONDS)

AHEAD, BEHIND = "+1h", "-1h"
SOON_SECONDS = 60
OFFSETS: Mapping[str, Mapping[str, int]] = {
    "clocks an hour ahead": dict.fromkeys(PIPELINE, 1),
    "clocks an hour behind": dict.fromkeys(PIPELINE, -1),
    "clocks two hours apart": {"planner": 1, "dispatcher": -1, "reporter": 1},
}


async def look_at_clocks(arena: Arena) -> None:
    """Makes sure that the clocks are wrong, which their logs show, and lets the row take its time."""
    for name, hours in OFFSETS[arena.fault].items():
        last = json.loads(arena.stack.process(name).text().splitlines()[-1])
        off = (datetime.fromisoformat(last["time"]) - datetime.now(UTC)).total_seconds() - hours * 3600
        assert abs(off) < SOON_SECONDS, f"the clock of {name} is not off by {hours} h"
    await asyncio.sleep(arena.seconds)


ROWS: Sequence[Row] = tuple(Row(fault, look_at_clocks) for fault in OFFSETS)


@pytest.mark.parametrize("row", parameters(ROWS))
async def test_wrong_clocks_change_nothing(run_row: RunRow, row: Row) -> None:
    library = clocks.find_library()
    if library is None:
        pytest.skip(f"libfaketime is not there: install the package {clocks.PACKAGE}")
    wrong = {name: clocks.off_by(library, AHEAD if hours > 0 else BEHIND) for name, hours in OFFSETS[row.fault].items()}
    await run_row(replace(row, settings=wrong))
