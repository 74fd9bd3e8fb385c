"""The settings that every process shares, read from HERALD_* variables, and their errors, one line a variable."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared import amqp_urls, transport
from shared.transport import Peer, Weakness
from shared.wording import message_of

PREFIX = "HERALD_"

# The longest that RabbitMQ takes as x-message-ttl.
LONGEST_DELAY = timedelta(milliseconds=2**32 - 1)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}
_DELAY = re.compile(r"(\d{1,6})([smh])")


class SettingsError(Exception):
    """A setting is missing or wrong. The message names each such variable."""


def parse_delay(text: str) -> timedelta:
    """Parses "5s", "2m" or "1h". Raises ValueError for anything else, and for zero."""
    found = _DELAY.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{text!r} is not a delay like 5s, 2m or 1h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _parse_delays(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(parse_delay(part) for part in value.split(","))


def _ascending(delays: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if not delays or list(delays) != sorted(set(delays)):
        raise ValueError("retry delays must be given in ascending order, each once")
    if delays[-1] > LONGEST_DELAY:
        raise ValueError("retry delays must be at most 49 days")
    return delays


Delays = Annotated[tuple[timedelta, ...], NoDecode, BeforeValidator(_parse_delays), AfterValidator(_ascending)]
DEFAULT_RETRY_DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)


def _amqp(urls: SecretStr) -> SecretStr:
    amqp_urls.check(urls.get_secret_value())
    return urls


def _peers(value: object) -> object:
    if not isinstance(value, str):
        return value
    named = frozenset(part.strip() for part in value.split(",")) - {""}
    if unknown := sorted(named - set(transport.PEERS)):
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(transport.PEERS)}")
    return named


Port = Annotated[int, Field(ge=0, le=65535)]
AmqpUrls = Annotated[SecretStr, AfterValidator(_amqp)]


class Settings(BaseSettings):
    """The settings of every process. A service adds its own in services/<name>/settings.py."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    log_file: Path | None = None
    ops_host: str = "127.0.0.1"
    ops_port: Port = 0


class TransportSettings(BaseSettings):
    """The settings of whatever connects to another machine. `load` refuses a weakness that is not allowed here."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    # The peers, separated by commas, to which a connection off loopback may lack TLS or verification.
    insecure_transport: Annotated[frozenset[Peer], NoDecode, BeforeValidator(_peers)] = frozenset()

    def weaknesses(self) -> tuple[Weakness, ...]:
        """Returns the connections off loopback that TLS does not protect, or with a peer that is not verified."""
        return ()


class DatabaseSettings(TransportSettings):
    """The settings of processes that use PostgreSQL."""

    database_url: SecretStr = SecretStr("postgresql://localhost/herald")

    def weaknesses(self) -> tuple[Weakness, ...]:
        return (*transport.weaknesses_of_database(self.database_url.get_secret_value()), *super().weaknesses())


class BrokerSettings(TransportSettings):
    """The settings of processes that use RabbitMQ."""

    # One for each node, separated by commas.
    rabbitmq_url: AmqpUrls = SecretStr("amqp://guest:guest@localhost/")
    declare: bool = True
    retry_delays: Delays = DEFAULT_RETRY_DELAYS

    def weaknesses(self) -> tuple[Weakness, ...]:
        return (*transport.weaknesses_of_broker(self.rabbitmq_url.get_secret_value()), *super().weaknesses())


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(kind: type[SettingsT]) -> SettingsT:
    """Reads settings from the environment. Raises SettingsError, which names each wrong variable."""
    try:
        config = kind()
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'_'.join(str(part) for part in problem['loc'][:1]).upper()}: {message_of(problem)}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsError("; ".join(lines)) from error
    if isinstance(config, TransportSettings):
        require_allowed(config.weaknesses(), config.insecure_transport)
    return config


def require_allowed(weaknesses: tuple[Weakness, ...], allowed: frozenset[Peer]) -> None:
    """Raises SettingsError for weaknesses that HERALD_INSECURE_TRANSPORT does not allow."""
    refused = [weakness.refusal for weakness in weaknesses if weakness.peer not in allowed]
    if refused:
        raise SettingsError("; ".join(refused))
