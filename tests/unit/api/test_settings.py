"""The settings of the API, from the environment."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.api.settings import ApiSettings
from shared.settings import SettingsError, load

EVERYWHERE = "0.0.0.0"  # noqa: S104


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
        ({"HERALD_API_RATE": "many"}, "HERALD_API_RATE"),
        ({"HERALD_API_RATE": "-1"}, "HERALD_API_RATE"),
        ({"HERALD_TRUSTED_PROXIES": "10.0.0.0/33"}, "HERALD_TRUSTED_PROXIES"),
        ({"HERALD_TRUSTED_PROXIES": "proxy.example"}, "HERALD_TRUSTED_PROXIES"),
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


@pytest.mark.parametrize(
    ("given", "rate"), [("50", 50.0), ("0.5", 0.5), ("0", None), ("unlimited", None), ("", 100), (None, 100)]
)
def test_the_rate_of_a_token(monkeypatch: pytest.MonkeyPatch, given: str | None, rate: float | None) -> None:
    monkeypatch.delenv("HERALD_API_RATE", raising=False)
    if given is not None:
        monkeypatch.setenv("HERALD_API_RATE", given)
    assert load(ApiSettings).api_rate == rate


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.1,fd00::/8")
    assert [str(network) for network in load(ApiSettings).trusted_proxies] == [
        "10.0.0.0/8",
        "192.168.1.1/32",
        "fd00::/8",
    ]
    monkeypatch.setenv("HERALD_TRUSTED_PROXIES", "")
    assert load(ApiSettings).trusted_proxies == ()


def test_the_token_of_docker_compose_is_recognized() -> None:
    assert ApiSettings(admin_token=SecretStr("herald-first-try")).has_default_token
    assert not ApiSettings(admin_token=SecretStr("of-my-own")).has_default_token
    assert not ApiSettings().has_default_token
