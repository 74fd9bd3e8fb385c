"""The settings of the reporter, and the errors that name a wrong one."""

import pytest

from services.reporter.settings import ReporterSettings
from shared import settings
from shared.settings import SettingsError


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert settings.load(ReporterSettings).ops_port == 9104


def test_a_wrong_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_OPS_PORT", "70000")
    with pytest.raises(SettingsError, match=r"^HERALD_OPS_PORT: "):
        settings.load(ReporterSettings)
