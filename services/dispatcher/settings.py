"""The settings of the dispatcher."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, model_validator

from services.dispatcher.provider_api.origin import read_origin
from shared import transport
from shared.providers.schema import ProvidersFile
from shared.settings import BrokerSettings, DatabaseSettings, Port, ProvidersSettings, Settings
from shared.transport import Weakness


def _unlimited(value: object) -> object:
    return None if value in ("", "unlimited") else value


def _printable(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise ValueError("a token is visible ASCII without spaces or line breaks")
    return value


def _with_host(url: str) -> str:
    read_origin(url)
    return url


HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$"), AfterValidator(_with_host)]
RequestRate = Annotated[Annotated[float, Field(gt=0, le=1_000_000)] | None, BeforeValidator(_unlimited)]


class DispatcherSettings(Settings, DatabaseSettings, BrokerSettings, ProvidersSettings):
    """The settings of the dispatcher. With a providers file those of the one provider mean nothing."""

    ops_port: Port = 9103
    # Where providers reach the API with their receipts.
    public_url: Annotated[HttpUrl, AfterValidator(lambda url: url.rstrip("/"))] | None = None
    provider_url: HttpUrl = "http://localhost:8090/v1"
    provider_token: Annotated[SecretStr, AfterValidator(_printable)] | None = None
    # Seconds for one request in all. With more than 25 a message could not be settled in time after the end.
    provider_timeout: float = Field(default=10, gt=0, le=25)
    # Requests a second of all dispatchers together; None is unlimited.
    provider_rate: RequestRate = None
    dispatcher_concurrency: int = Field(default=100, ge=1, le=5000)
    max_attempts: int = Field(default=8, ge=1, le=1000)

    @model_validator(mode="after")
    def _provider_with_token(self) -> Self:
        if self.providers_file is None and self.provider_token is None:
            raise ValueError("HERALD_PROVIDER_TOKEN: is required")
        return self

    def weaknesses(self) -> tuple[Weakness, ...]:
        file = self.read_providers()
        if file is not None:
            return (*weaknesses_of_providers(file), *super().weaknesses())
        provider = transport.weaknesses_of_http(self.provider_url, "provider", "HERALD_PROVIDER_URL")
        return (*provider, *super().weaknesses())


def weaknesses_of_providers(file: ProvidersFile) -> tuple[Weakness, ...]:
    """Returns the weakness of each provider to which messages and secrets go without TLS."""
    found = [
        transport.weaknesses_of_http(config.request.url, "provider", f"providers.{name}.request.url")
        for name, config in file.providers.items()
    ]
    return tuple(weakness for each in found for weakness in each)
