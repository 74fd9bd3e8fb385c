"""The AMQP bodies: versioned JSON with ids and numbers, never a phone or a text."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.statuses import AttemptOutcome, Delivery, ResultStatus

MAX_RESULTS = MAX_RECEIPTS = 200

MailingEventName = Literal[
    "mailing.created",
    "mailing.updated",
    "mailing.deleted",
    "mailing.paused",
    "mailing.resumed",
    "mailing.cancelled",
]
# Up to the largest bigint and the largest integer of the tables.
Identifier = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
AttemptNumber = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Moment = Annotated[datetime, Meta(tz=True)]
Note = Annotated[str, Meta(max_length=1000)]
ProviderName = Annotated[str, Meta(min_length=1, max_length=32)]

T = TypeVar("T")


class Unreadable(Exception):
    """A body is not of the kind that its queue carries. The message names the first error, without quoting the body."""


def _written(default: Callable[[], T]) -> T:
    """Declares a field with a default that is in the JSON all the same. Defaults that are plain values are left out."""
    found: T = msgspec.field(default_factory=lambda: default())
    return found


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The base of every AMQP body. Fields are strict when a body is decoded, and unknown ones are refused."""


class MailingEvent(Body, frozen=True, kw_only=True):
    """A hint to the planner to look at a mailing's row. The routing key is the event's name."""

    version: Literal[1] = _written(lambda: 1)
    event_id: UUID
    event: MailingEventName
    mailing_id: Identifier
    request_id: str | None = None


class Job(Body, frozen=True, kw_only=True):
    """A request to the dispatcher for one attempt of one message.

    `failures` are the attempts of the round that spent budget, as far as a retry job knows: not all may be folded.
    `unsure`: an attempt may have arrived, so that the message stays with its provider. `refused`: the providers that
    will never take it.
    """

    version: Literal[1] = _written(lambda: 1)
    message_id: Identifier
    mailing_id: Identifier
    client_id: Identifier
    attempt: AttemptNumber
    failures: Count | None = None
    unsure: bool = False
    refused: tuple[ProviderName, ...] = ()


class Result(Body, frozen=True, kw_only=True):
    """The result of one attempt.

    `status` is the new status of the message: retrying when another attempt is due, else final. `failed`: the attempt
    spends one of MAX_ATTEMPTS. For retrying, `due_at` is the moment of the next attempt, and `queued` means that its
    job is on the broker; otherwise the planner releases it from the table. `started_at` is the database's time.

    `provider` is None for the one provider of the environment. Others may give an id of their own and a cost. `unsure`:
    it may have arrived; `refused`: this provider will never take it. `opt_out`: it says that the client wants nothing.
    """

    message_id: Identifier
    mailing_id: Identifier
    client_id: Identifier
    number: AttemptNumber
    status: ResultStatus
    outcome: AttemptOutcome
    started_at: Moment
    duration_ms: Count
    http_status: Annotated[int, Meta(ge=0, le=999)] | None = None
    reason: Note | None = None
    detail: Note | None = None
    failed: bool = _written(lambda: False)
    queued: bool = _written(lambda: False)
    due_at: Moment | None = None
    request_id: str | None = None
    provider: ProviderName | None = None
    provider_id: Annotated[str, Meta(max_length=200)] | None = None
    cost: Decimal | None = None
    unsure: bool = False
    refused: bool = False
    opt_out: bool = False


class Results(Body, frozen=True, kw_only=True):
    """Up to 200 results for the reporter, or a fence: the database's time at its publishing."""

    version: Literal[1] = _written(lambda: 1)
    results: Annotated[list[Result], Meta(max_length=MAX_RESULTS)] = _written(list)
    fence: Moment | None = None


class Receipt(Body, frozen=True, kw_only=True):
    """What a provider says became of a message: by our id, or else by the id that the provider gave it.

    `at` is the provider's moment, None where it gives none. `opt_out`: the client wants nothing any more.
    """

    message_id: Identifier | None = None
    provider_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    delivery: Delivery
    reason: Annotated[str, Meta(max_length=100)] = ""
    at: Moment | None = None
    opt_out: bool = False


class Receipts(Body, frozen=True, kw_only=True):
    """Up to 200 receipts of one provider for the reporter. `waits`: how often they waited for a result."""

    version: Literal[1] = _written(lambda: 1)
    provider: ProviderName
    received_at: Moment
    receipts: Annotated[list[Receipt], Meta(max_length=MAX_RECEIPTS)]
    waits: Count = 0


def encode(body: Body) -> bytes:
    """Encodes a body as JSON, without fields that are null."""
    return msgspec.json.encode(body)


BodyT = TypeVar("BodyT", bound=Body)


def decode(kind: type[BodyT], body: bytes) -> BodyT:
    """Decodes a body. Raises Unreadable with its first error."""
    try:
        found: BodyT = _decoder(kind).decode(body)
        return found
    except msgspec.ValidationError as error:
        raise Unreadable(f"{kind.__name__}: {_describe(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{kind.__name__}: body: Invalid JSON: {_malformation(str(error))}") from None


@cache
def _decoder(kind: type[BodyT]) -> "msgspec.json.Decoder[BodyT]":
    return msgspec.json.Decoder(kind)


# msgspec's errors and Herald's words for them. Some of the former quote the body, so that no other text is passed on.
_PLACE = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Expected `int` >= (-?\d+)", "Input should be greater than or equal to {}"),
        (r"Expected `int` <= (-?\d+)", "Input should be less than or equal to {}"),
        (r"Expected `str` of length >= (\d+)", "String should have at least {} character"),
        (r"Expected `str` of length <= (\d+)", "String should have at most {} characters"),
        (r"Expected `array` of length <= (\d+)", "List should have at most {} items"),
        (r"Expected `int(?: \| null)?`, got .*", "Input should be a valid integer"),
        (r"Expected `str(?: \| null)?`, got .*", "Input should be a valid string"),
        (r"Expected `bool`, got .*", "Input should be a valid boolean"),
        (r"Expected `datetime` with a timezone component", "Input should have timezone info"),
        (r"Expected `datetime(?: \| null)?`, got .*", "Input should be a valid datetime"),
        (r"Invalid RFC3339 encoded datetime", "Input should be a valid datetime"),
        (r"Expected `uuid`, got .*|Invalid UUID", "Input should be a valid UUID"),
        (r"Expected `array`, got .*", "Input should be a valid array"),
        (r"Expected `object`, got .*", "Input should be an object"),
        (r"Object contains unknown field .*", "Extra inputs are not permitted"),
        (r"Object missing required field .*", "Field required"),
        (r"Invalid enum value .*", "Input should be one of the known values"),
    )
)
_BYTE = re.compile(r".* \(byte (\d+)\)")
_MISSING = re.compile(r"Object missing required field `([a-z_]+)`")


def _describe(error: str) -> str:
    """Returns the place of a validation error and Herald's words for it."""
    found = _PLACE.fullmatch(error)
    text, path = (found[1], found[2] or "") if found else (error, "")
    parts = [part for part in re.split(r"[.\[\]]+", path) if part]
    if missing := _MISSING.fullmatch(text):
        parts.append(missing[1])
    return f"{'.'.join(parts) or 'body'}: {_words(text)}"


def _malformation(error: str) -> str:
    if error == "Input data was truncated":
        return "it ends too early"
    found = _BYTE.fullmatch(error)
    return f"at byte {found[1]}" if found else "not UTF-8, or nested too deeply"


def _words(text: str) -> str:
    for pattern, words in _WORDS:
        if found := pattern.fullmatch(text):
            return words.format(*(group for group in found.groups() if group))
    return "Input is not valid"
