"""The settings of the planner, and the errors that name a wrong one."""

import pytest

from services.planner.settings import PlannerSettings
from shared import settings
from shared.settings import SettingsError


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = settings.load(PlannerSettings)
    assert (config.ops_port, config.jobs_high_watermark) == (9102, 5000)


@pytest.mark.parametrize("value", ["", "many", "199", "1000001", "5000.5"])
def test_a_wrong_watermark_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HERALD_JOBS_HIGH_WATERMARK", value)
    with pytest.raises(SettingsError, match=r"^HERALD_JOBS_HIGH_WATERMARK: "):
        settings.load(PlannerSettings)


def test_a_wrong_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_OPS_PORT", "70000")
    with pytest.raises(SettingsError, match=r"^HERALD_OPS_PORT: "):
        settings.load(PlannerSettings)
