"""The settings of the dispatcher, and the errors that name a wrong one."""

import pytest

from services.dispatcher.settings import DispatcherSettings
from shared import settings
from shared.settings import SettingsError


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_PROVIDER_TOKEN", "hush")


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = settings.load(DispatcherSettings)
    assert (config.ops_port, config.provider_url) == (9103, "http://localhost:8090/v1")
    assert (config.provider_timeout, config.provider_rate) == (10, None)
    assert (config.dispatcher_concurrency, config.max_attempts) == (100, 8)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HERALD_OPS_PORT", "70000"),
        # What cannot stand in a header would make every request fail before it is sent.
        ("HERALD_PROVIDER_TOKEN", ""),
        ("HERALD_PROVIDER_TOKEN", "hush\n"),
        ("HERALD_PROVIDER_URL", ""),
        ("HERALD_PROVIDER_URL", "localhost:8090"),
        ("HERALD_PROVIDER_URL", "ftp://localhost/v1"),
        ("HERALD_PROVIDER_URL", "http://local host/v1"),
        ("HERALD_PROVIDER_URL", "http://:80/v1"),
        ("HERALD_PROVIDER_URL", "http://localhost:99999/v1"),
        ("HERALD_PROVIDER_TIMEOUT", "0"),
        ("HERALD_PROVIDER_TIMEOUT", "-1"),
        ("HERALD_PROVIDER_TIMEOUT", "25.1"),
        ("HERALD_PROVIDER_TIMEOUT", "nan"),
        ("HERALD_PROVIDER_TIMEOUT", "inf"),
        ("HERALD_PROVIDER_TIMEOUT", "10s"),
        ("HERALD_PROVIDER_RATE", "0"),
        ("HERALD_PROVIDER_RATE", "-5"),
        ("HERALD_PROVIDER_RATE", "nan"),
        ("HERALD_PROVIDER_RATE", "inf"),
        ("HERALD_PROVIDER_RATE", "fast"),
        ("HERALD_DISPATCHER_CONCURRENCY", "0"),
        ("HERALD_DISPATCHER_CONCURRENCY", "5001"),
        ("HERALD_DISPATCHER_CONCURRENCY", "1.5"),
        ("HERALD_MAX_ATTEMPTS", "0"),
        ("HERALD_MAX_ATTEMPTS", "1001"),
        ("HERALD_MAX_ATTEMPTS", "eight"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: ") as refusal:
        settings.load(DispatcherSettings)
    assert "hush" not in str(refusal.value)


def test_the_token_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HERALD_PROVIDER_TOKEN")
    with pytest.raises(SettingsError, match=r"^HERALD_PROVIDER_TOKEN: is required$"):
        settings.load(DispatcherSettings)


@pytest.mark.parametrize(("value", "rate"), [("", None), ("unlimited", None), ("0.5", 0.5), ("1000", 1000.0)])
def test_a_rate_is_a_number_or_unlimited(monkeypatch: pytest.MonkeyPatch, value: str, rate: float | None) -> None:
    monkeypatch.setenv("HERALD_PROVIDER_RATE", value)
    assert settings.load(DispatcherSettings).provider_rate == rate
