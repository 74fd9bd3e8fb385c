"""Fixtures of every chaos experiment: services of its own, and a place for its result in the chaos table."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.harness.experiment import Experiment, run
from tests.chaos.harness.report import PROPERTY
from tests.chaos.harness.result import ExperimentResult
from tests.chaos.harness.rig import RigServices
from tests.conftest import STACK
from tests.support.services.vhosts import Vhosts
from tests.support.stack import Stack

RunExperiment = Callable[[Experiment], Awaitable[ExperimentResult]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the longest experiments first, so that no worker ends the run alone with one of them."""
    items.sort(key=lambda item: -_seconds(item))


def _seconds(item: pytest.Item) -> float:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return 0.0
    experiment = item.callspec.params.get("experiment")
    return experiment.seconds if isinstance(experiment, Experiment) else 0.0


@pytest.fixture
def services(
    database_url: str, broker_url: str, vhosts: Vhosts, tmp_path: Path, open_path: Path
) -> Iterator[RigServices]:
    yield RigServices(database_url, broker_url, tmp_path, open_path)
    vhosts.remove_used()


@pytest.fixture
def show_logs(request: pytest.FixtureRequest) -> Callable[[Stack], None]:
    """Attaches the logs of a stack to the report of a failed test."""

    def attach(stack: Stack) -> None:
        request.node.stash[STACK] = stack

    return attach


@pytest.fixture
def report_result(record_property: Callable[[str, object], None]) -> Callable[[ExperimentResult], None]:
    """Adds a result to the chaos table, and fails the test if it holds violations."""

    def report(result: ExperimentResult) -> None:
        record_property(PROPERTY, result.pack())
        assert not result.violations, "; ".join(result.violations)

    return report


@pytest.fixture
def run_experiment(
    services: RigServices,
    show_logs: Callable[[Stack], None],
    report_result: Callable[[ExperimentResult], None],
) -> RunExperiment:
    async def run_and_report(experiment: Experiment) -> ExperimentResult:
        result = await run(experiment, services, show_logs)
        report_result(result)
        return result

    return run_and_report
