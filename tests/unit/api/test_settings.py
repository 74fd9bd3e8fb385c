from typing import Any

import pytest
from pydantic import ValidationError

from services.api.settings import ApiSettings, is_loopback
from shared.settings import SettingsError, load

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        (EVERYWHERE, False),
        ("::", False),
        ("", False),
        ("192.168.0.1", False),
        ("example.org", False),
    ],
)
def test_which_hosts_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_defaults_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_HOST", "API_PORT", "AUTH", "ADMIN_TOKEN", "OPS_PORT", "DEFAULT_TIMEZONE"):
        monkeypatch.delenv(f"HERALD_{name}", raising=False)
    config = load(ApiSettings)
    assert (config.api_host, config.api_port, config.ops_port) == ("127.0.0.1", 8080, 9101)
    assert (config.auth, config.admin_token, config.default_timezone) == (True, None, "UTC")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"HERALD_AUTH": "off", "HERALD_API_HOST": EVERYWHERE}, "HERALD_AUTH"),
        ({"HERALD_AUTH": "off", "HERALD_API_HOST": ""}, "HERALD_AUTH"),
        ({"HERALD_AUTH": "maybe"}, "HERALD_AUTH"),
        ({"HERALD_API_PORT": "65536"}, "HERALD_API_PORT"),
        ({"HERALD_API_PORT": "http"}, "HERALD_API_PORT"),
        ({"HERALD_DEFAULT_TIMEZONE": "Mars/Phobos"}, "HERALD_DEFAULT_TIMEZONE"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=named):
        load(ApiSettings)


@pytest.mark.parametrize(
    ("values", "auth"),
    [
        ({"auth": "off"}, False),
        ({"auth": "on", "api_host": EVERYWHERE}, True),
        ({"auth": "off", "api_host": "::1"}, False),
    ],
)
def test_auth_can_be_switched_off_at_home(values: dict[str, Any], auth: bool) -> None:
    assert ApiSettings.model_validate(values).auth is auth


def test_an_empty_admin_token_opens_nothing() -> None:
    assert ApiSettings.model_validate({"admin_token": ""}).admin_token is None
    given = ApiSettings.model_validate({"admin_token": "x"})
    assert "x" not in repr(given.admin_token)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        ApiSettings.model_validate({}).auth = False  # type: ignore[misc]
