"""The settings of the sandbox, and the errors that name a wrong one."""

import pytest

from services.sandbox.settings import SandboxSettings
from shared import settings
from shared.settings import SettingsError


def test_the_defaults_are_those_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SANDBOX_HOST", "SANDBOX_PORT", "SANDBOX_CONTROL_PORT", "SANDBOX_SECRET", "OPS_PORT"):
        monkeypatch.delenv(f"HERALD_{name}", raising=False)
    config = settings.load(SandboxSettings)
    assert (config.sandbox_host, config.sandbox_port, config.sandbox_control_port) == ("127.0.0.1", 8090, 0)
    assert config.ops_port == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HERALD_SANDBOX_PORT", "65536"),
        ("HERALD_SANDBOX_PORT", "http"),
        ("HERALD_SANDBOX_CONTROL_PORT", "-1"),
        ("HERALD_SANDBOX_SECRET", "short"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        settings.load(SandboxSettings)
