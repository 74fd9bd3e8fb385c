"""Experiments as parameters of a test."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.chaos.harness.experiment import Experiment

# From the start of the processes to the judgement; an experiment that takes longer is stuck.
EXPERIMENT_SECONDS = 280


def parameters(experiments: Sequence[Experiment]) -> list[Any]:
    """Makes a pytest parameter of every experiment; those that are not quick get the marker `chaos`."""
    return [
        pytest.param(
            experiment,
            id=experiment.fault.replace(" ", "-"),
            marks=() if experiment.quick else (pytest.mark.chaos,),
        )
        for experiment in experiments
    ]
