"""Wrong wall clocks of the workers change nothing, because the database's clock decides."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.chaos.conftest import RunExperiment
from tests.chaos.faults import faketime
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import PIPELINE, Rig

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

AHEAD, BEHIND = "+1h", "-1h"
TOLERANCE_SECONDS = 60
OFFSETS: Mapping[str, Mapping[str, int]] = {
    "clocks an hour ahead": dict.fromkeys(PIPELINE, 1),
    "clocks an hour behind": dict.fromkeys(PIPELINE, -1),
    "clocks two hours apart": {"planner": 1, "dispatcher": -1, "reporter": 1},
}


async def check_clocks(rig: Rig) -> None:
    """Checks in the logs that the clocks are wrong, and lets the experiment run for its seconds."""
    for name, hours in OFFSETS[rig.fault].items():
        last = json.loads(rig.stack.process(name).text().splitlines()[-1])
        off = (datetime.fromisoformat(last["time"]) - datetime.now(UTC)).total_seconds() - hours * 3600
        assert abs(off) < TOLERANCE_SECONDS, f"the clock of {name} is not off by {hours} h"
    await asyncio.sleep(rig.seconds)


EXPERIMENTS: Sequence[Experiment] = tuple(Experiment(fault, check_clocks) for fault in OFFSETS)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_wrong_clocks_change_nothing(run_experiment: RunExperiment, experiment: Experiment) -> None:
    library = faketime.find_library()
    if library is None:
        pytest.skip(f"libfaketime is not installed: install the package {faketime.PACKAGE}")
    wrong = {
        name: faketime.shift_clock(library, AHEAD if hours > 0 else BEHIND)
        for name, hours in OFFSETS[experiment.fault].items()
    }
    await run_experiment(replace(experiment, settings=wrong))
