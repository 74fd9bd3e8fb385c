"""The settings that every process shares, and the errors that name a wrong one."""

from datetime import timedelta

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared import settings
from shared.settings import BrokerSettings, DatabaseSettings, Settings, SettingsError, parse_delay


class TwoNumbers(Settings):
    first: int = Field(ge=0)
    second: int = Field(ge=0)


def test_the_defaults_are_those_of_the_documentation() -> None:
    config, database, broker = Settings(), DatabaseSettings(), BrokerSettings()
    assert (config.log_level, config.log_format, config.ops_host) == ("info", "json", "127.0.0.1")
    assert database.database_url.get_secret_value() == "postgresql://localhost/herald"
    assert broker.rabbitmq_url.get_secret_value() == "amqp://guest:guest@localhost/"
    assert broker.declare is True
    assert broker.retry_delays == tuple(parse_delay(text) for text in ("5s", "30s", "2m", "10m", "30m"))


@pytest.mark.parametrize(
    ("kind", "variable", "value"),
    [
        (Settings, "HERALD_LOG_LEVEL", "loud"),
        (Settings, "HERALD_LOG_FORMAT", "xml"),
        (Settings, "HERALD_OPS_PORT", "http"),
        (Settings, "HERALD_OPS_PORT", ""),
        (Settings, "HERALD_OPS_PORT", "-1"),
        (Settings, "HERALD_OPS_PORT", "65536"),
        (Settings, "HERALD_OPS_PORT", "80.5"),
        (BrokerSettings, "HERALD_DECLARE", "perhaps"),
        (BrokerSettings, "HERALD_RETRY_DELAYS", ""),
        (BrokerSettings, "HERALD_RETRY_DELAYS", "5"),
        (BrokerSettings, "HERALD_RETRY_DELAYS", "5s,"),
        (BrokerSettings, "HERALD_RETRY_DELAYS", "0s,5s"),
        (BrokerSettings, "HERALD_RETRY_DELAYS", "[5, 30]"),
        # Descending, and twice the same in other words.
        (BrokerSettings, "HERALD_RETRY_DELAYS", "30s,5s"),
        (BrokerSettings, "HERALD_RETRY_DELAYS", "5s,5s"),
        (BrokerSettings, "HERALD_RETRY_DELAYS", "5s,60s,1m"),
        # RabbitMQ refuses a queue whose messages live longer than 2^32 - 1 milliseconds, some 49 days.
        (BrokerSettings, "HERALD_RETRY_DELAYS", "5s,2000h"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseSettings], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: [^\n]+$"):
        settings.load(kind)


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_SECOND", "-1")
    with pytest.raises(SettingsError) as refusal:
        settings.load(TwoNumbers)
    assert "HERALD_FIRST: is required" in str(refusal.value)
    assert "HERALD_SECOND: " in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "declare"), [("on", True), ("off", False), ("true", True), ("false", False), ("1", True), ("0", False)]
)
def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch, value: str, declare: bool) -> None:
    monkeypatch.setenv("HERALD_DECLARE", value)
    assert settings.load(BrokerSettings).declare is declare


@pytest.mark.parametrize(
    ("value", "delays"),
    [
        ("1s", [timedelta(seconds=1)]),
        ("5s,30s,2m", [timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2)]),
        (" 5s , 1h ", [timedelta(seconds=5), timedelta(hours=1)]),
    ],
)
def test_retry_delays_are_a_list_of_delays(
    monkeypatch: pytest.MonkeyPatch, value: str, delays: list[timedelta]
) -> None:
    monkeypatch.setenv("HERALD_RETRY_DELAYS", value)
    assert list(settings.load(BrokerSettings).retry_delays) == delays


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("1s", timedelta(seconds=1)),
        ("90s", timedelta(seconds=90)),
        ("2m", timedelta(minutes=2)),
        ("36h", timedelta(hours=36)),
        (" 5s\n", timedelta(seconds=5)),
    ],
)
def test_a_delay_is_a_number_and_a_unit(text: str, delay: timedelta) -> None:
    assert parse_delay(text) == delay


@pytest.mark.parametrize(
    "text", ["", "5", "s", "0s", "000m", "-5s", "1.5s", "5 s", "5S", "5d", "5ms", "1h30m", "1e3s", "9999999s"]
)
def test_anything_else_is_no_delay(text: str) -> None:
    with pytest.raises(ValueError, match="is not a delay like 5s, 2m or 1h"):
        parse_delay(text)


def test_other_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERALD_OF_SOMEBODY_ELSE", "1")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert settings.load(Settings).log_level == "info"


def test_a_secret_is_not_shown() -> None:
    config = DatabaseSettings(database_url=SecretStr("postgresql://herald:hush@db/herald"))
    assert "hush" not in repr(config)


def test_settings_do_not_change() -> None:
    config = Settings()
    with pytest.raises(ValueError, match="frozen"):
        config.log_level = "debug"  # type: ignore[misc]
