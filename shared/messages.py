"""The AMQP bodies: versioned JSON with ids and numbers, never a phone or a text."""

from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.statuses import ResultStatus

MAX_RESULTS = 200

MailingEventName = Literal[
    "mailing.created",
    "mailing.updated",
    "mailing.deleted",
    "mailing.paused",
    "mailing.resumed",
    "mailing.cancelled",
]
Identifier = Annotated[int, Field(ge=1, lt=2**63)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
AttemptNumber = Annotated[int, Field(ge=1, lt=2**31)]


class Unreadable(Exception):
    """A body is not of the kind that its queue carries. The message names the first error, without quoting the body."""


class Body(BaseModel):
    """The base of every AMQP body: fields are strict, and unknown ones are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class MailingEvent(Body):
    """A hint to the planner to look at a mailing's row. The routing key is the event's name."""

    version: Literal[1] = 1
    event_id: UUID
    event: MailingEventName
    mailing_id: Identifier
    request_id: str | None = None


class Job(Body):
    """A request to the dispatcher for one attempt of one message."""

    version: Literal[1] = 1
    message_id: Identifier
    mailing_id: Identifier
    client_id: Identifier
    attempt: AttemptNumber


class Result(Body):
    """The result of one attempt.

    `status` is the new status of the message: retrying when another attempt is due, else final. `failed`: the attempt
    spends one of MAX_ATTEMPTS. For retrying, `due_at` is the moment of the next attempt, and `queued` means that its
    job is on the broker; otherwise the planner releases it from the table. `started_at` is the database's time.
    """

    message_id: Identifier
    mailing_id: Identifier
    client_id: Identifier
    number: AttemptNumber
    status: ResultStatus
    outcome: Annotated[str, Field(min_length=1, max_length=100)]
    started_at: AwareDatetime
    duration_ms: Count
    http_status: Annotated[int, Field(ge=0, le=999)] | None = None
    reason: Annotated[str, Field(max_length=1000)] | None = None
    detail: Annotated[str, Field(max_length=1000)] | None = None
    failed: bool = False
    queued: bool = False
    due_at: AwareDatetime | None = None
    request_id: str | None = None


class Results(Body):
    """Up to 200 results for the reporter, or a fence: the database's time at its publishing."""

    version: Literal[1] = 1
    results: Annotated[list[Result], Field(max_length=MAX_RESULTS)] = []
    fence: AwareDatetime | None = None


def encode(body: Body) -> bytes:
    """Encodes a body as JSON, without fields that are null."""
    return body.model_dump_json(exclude_none=True).encode()


BodyT = TypeVar("BodyT", bound=Body)


def decode(kind: type[BodyT], body: bytes) -> BodyT:
    """Decodes a body. Raises Unreadable with its first error."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        # The name of an unknown field is a part of the body, and is not quoted either.
        known = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
        place = ".".join(str(part) for part in known) or "body"
        raise Unreadable(f"{kind.__name__}: {place}: {first['msg']}") from None
