"""The settings of the API, read from HERALD_* variables."""

import zoneinfo
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from services.api.access.client_address import parse_networks
from services.api.mailings.settings import parse_window
from services.api.sign_in.settings import SignInSettings
from services.api.stop_list.keys import LEAST_KEY
from shared.settings import BrokerSettings, DatabaseSettings, Settings
from shared.transport import is_loopback

# The public default of docker-compose.yml, for a first try.
DEFAULT_ADMIN_TOKEN = "herald-first-try"  # noqa: S105 - it is everybody's
# Requests per second of one token.
DEFAULT_RATE = 100


def _read_networks(value: object) -> object:
    return parse_networks(value) if isinstance(value, str) else value


def _unlimited(value: object) -> object:
    # An empty value counts as unset: it must not switch the limit off.
    return None if value in ("0", 0, "unlimited") else value or DEFAULT_RATE


Rate = Annotated[Annotated[float, Field(ge=0.1, le=1_000_000)] | None, BeforeValidator(_unlimited)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_read_networks)]


class ApiSettings(Settings, DatabaseSettings, BrokerSettings, SignInSettings):
    api_host: str = "127.0.0.1"
    # 0 means any free port, which the log names.
    api_port: int = Field(default=8080, ge=0, le=65535)
    admin_token: SecretStr | None = None
    # Declared after api_host, which its validator reads.
    auth: bool = True
    default_timezone: str = "UTC"
    # Requests per second of one token; None is unlimited.
    api_rate: Rate = DEFAULT_RATE
    trusted_proxies: Networks = ()
    # The window of mailings that name none; empty for none.
    default_window: str = ""
    # Without it nobody can be put on the stop list.
    stop_list_key: SecretStr | None = None
    ops_port: int = Field(default=9101, ge=0, le=65535)

    @property
    def has_default_token(self) -> bool:
        return self.admin_token is not None and self.admin_token.get_secret_value() == DEFAULT_ADMIN_TOKEN

    @field_validator("admin_token")
    @classmethod
    def _empty_is_unset(cls, token: SecretStr | None) -> SecretStr | None:
        return token if token is not None and token.get_secret_value() else None

    @field_validator("default_window")
    @classmethod
    def _readable_window(cls, text: str) -> str:
        parse_window(text)
        return text

    @field_validator("stop_list_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None or not key.get_secret_value():
            return None
        if len(key.get_secret_value()) < LEAST_KEY:
            raise ValueError(f"must have at least {LEAST_KEY} characters; `openssl rand -base64 32` makes one")
        return key

    @field_validator("auth")
    @classmethod
    def _open_only_at_home(cls, auth: bool, info: ValidationInfo) -> bool:
        if not auth and not is_loopback(info.data.get("api_host", "")):
            raise ValueError("off is refused unless HERALD_API_HOST is a loopback address")
        return auth

    @field_validator("default_timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in zoneinfo.available_timezones():
            raise ValueError(f"{zone!r} is not an IANA time zone")
        return zone
