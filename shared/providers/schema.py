"""The model of the providers file. docs/providers.md explains every key."""

import re
import zoneinfo
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.providers.durations import read_duration, read_rate
from shared.providers.merging import merge
from shared.statuses import Delivery

Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Rate = Annotated[float, BeforeValidator(read_rate)]
MappedVerdict = Literal["accepted", "duplicate", "temporary", "throttled", "permanent", "hold", "unknown"]
Method = Literal["GET", "POST", "PUT", "PATCH"]
# As long as a request may take: with more a message could not be settled in time after its mailing's end.
LONGEST_TIMEOUT = timedelta(seconds=25)
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def _timeout(value: timedelta) -> timedelta:
    if value > LONGEST_TIMEOUT:
        raise ValueError("is longer than 25s")
    return value


def _code(value: object) -> object:
    return f"{value:03d}" if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else value


def _regular(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


def _zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise ValueError("is no IANA time zone")
    return value


def _decimal(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


OperatorCode = Annotated[str, BeforeValidator(_code), StringConstraints(pattern=r"^\d{3}$")]
Money = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=1_000_000)]


class FileModel(BaseModel):
    """What every part of the file has in common: unknown keys are refused, and no value is quoted in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


class BasicAuth(FileModel):
    user: str
    password: str


class RequestAuth(FileModel):
    bearer: str | None = None
    basic: BasicAuth | None = None


class ValidityConfig(FileModel):
    """How the time left is told to the provider: rounded down, cut to `max`; with less than `min` nothing is sent."""

    unit: Literal["milliseconds", "seconds", "minutes", "hours"]
    format: Literal["number", "HH:MM"] = "number"
    min: Duration | None = None
    max: Duration


class RequestConfig(FileModel):
    """How a message becomes a request. A body is either a form or JSON."""

    method: Method = "POST"
    url: str
    headers: dict[str, Any] = {}
    auth: RequestAuth | Literal["none"] = "none"
    query: dict[str, Any] = {}
    form: dict[str, Any] | None = None
    json_: Any = Field(default=None, alias="json")
    unicode: dict[str, Any] | None = None
    validity: ValidityConfig | None = None

    def for_unicode(self) -> "RequestConfig":
        """Returns the request of a text that does not fit the GSM alphabet: with `unicode` laid over it."""
        above = self.unicode or {}
        changed = {
            name: merge(getattr(self, name) or {}, above[key])
            for key, name in (("headers", "headers"), ("query", "query"), ("form", "form"), ("json", "json_"))
            if key in above
        }
        return self.model_copy(update={**changed, "unicode": None})


class ReplyCondition(FileModel):
    status: int | str | list[int | str] | None = None
    json_: dict[str, Any] | None = Field(default=None, alias="json")
    text: Annotated[str, AfterValidator(_regular)] | None = None


class ReplyRule(FileModel):
    """What one kind of reply means. Without `when` it is every reply."""

    when: ReplyCondition | None = None
    verdict: MappedVerdict
    reason: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f:]+$")] | None = None
    provider_id: str | None = None
    cost: str | None = None
    retry_after: str | None = None
    elsewhere: bool = False
    opt_out: bool = False


class PriceConfig(FileModel):
    per_segment: Money
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class ReceiptReason(FileModel):
    path: str
    map: dict[str, str] = {}


class ReceiptMoment(FileModel):
    """A moment of the provider. `format` is iso, unix, unix_ms, or as strptime knows it, in this time zone."""

    path: str
    format: str = "iso"
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"


class ReceiptAnswer(FileModel):
    status: Annotated[int, Field(ge=200, le=299)] = 200
    text: str = ""


class ReceiptsConfig(FileModel):
    """How the provider tells what became of a message that it took."""

    token: str | None = None
    items: str | None = None
    lines: list[str] | None = None
    only: dict[str, str] | None = None
    message_id: str | None = None
    provider_id: str | None = None
    status: str
    reason: ReceiptReason | str | None = None
    at: ReceiptMoment | str | None = None
    map: dict[str, Delivery]
    # Statuses and reasons, as the provider writes them, of recipients who want nothing any more.
    opt_out: list[Annotated[str, BeforeValidator(_decimal)]] = []
    answer: ReceiptAnswer = ReceiptAnswer()
    receipts_within: Duration = timedelta(hours=72)


class ProviderConfig(FileModel):
    """One provider, its preset merged into it."""

    preset: str | None = None
    sender: str | None = None
    request: RequestConfig
    # "probe" are the rules of services/dispatcher/provider_api/replies.py, which no list of rules can express.
    reply: list[ReplyRule] | Literal["probe"]
    receipts: ReceiptsConfig | None = None
    timeout: Annotated[Duration, AfterValidator(_timeout)] = timedelta(seconds=10)
    concurrency: Annotated[int, Field(ge=1, le=5000, strict=True)] | None = None
    rate: Rate | None = None
    rate_of: Literal["messages", "segments"] = "messages"
    deduplicates: bool = False
    price: PriceConfig | None = None
    insecure: bool = False
    secret_in_url: bool = False
    # Paths of the request, such as form.test, that hold a value only while the provider is to send nothing for real.
    test_mode: list[str] = []


class PoolShare(FileModel):
    provider: str
    weight: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 1.0


class RouteCondition(FileModel):
    operator_codes: list[OperatorCode]


class ProviderRoute(FileModel):
    """Which providers a message may go through. Without `when` it is every message."""

    when: RouteCondition | None = None
    pool: Annotated[list[PoolShare], Field(min_length=1)]


class ProvidersFile(FileModel):
    version: Literal[1]
    providers: Annotated[dict[str, ProviderConfig], Field(min_length=1)]
    routes: list[ProviderRoute] = []
