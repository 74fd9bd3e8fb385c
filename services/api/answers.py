"""What the API answers, as models: moments are in UTC, and every field is always there."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.api.schemas import MailingStatus, left_out
from services.api.tokens import Role
from shared.messages import MessageStatus

Id = Annotated[int, Field(json_schema_extra={"format": "int64", "minimum": 1})]
Count = Annotated[int, Field(json_schema_extra={"minimum": 0})]
PhoneShown = Annotated[str, Field(json_schema_extra={"pattern": "^7[0-9]{10}$"})]
CodeShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{3}$"})]
ClockShown = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9]{2}:[0-9]{2}$"})]
Next = Annotated[
    str | None, Field(description="The cursor of the next page; null on the last one. A Link header names its address.")
]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class FieldError(Answer):
    """One value that is wrong."""

    loc: list[str | int] = Field(
        description="Where it stands: body, query or header, then the names and positions that lead to it."
    )
    msg: str = Field(description="What is wrong with it. The value itself is never repeated.")


class Problem(Answer):
    """Why a request was not answered as asked, as RFC 9457 has it."""

    type: str = Field(description="Always about:blank: the status says what kind of problem it is.")
    title: str = Field(description="The name of the HTTP status.")
    status: Annotated[int, Field(description="The HTTP status.", json_schema_extra={"minimum": 400, "maximum": 599})]
    detail: str = left_out("", "What is wrong and what to do about it, as a sentence.")
    errors: list[FieldError] = left_out([], "For 422: the values that are wrong, the first 100 of them.")


class Client(Answer):
    """A person in the directory."""

    id: Id
    phone: PhoneShown
    operator_code: CodeShown
    tag: str
    timezone: str = Field(description="An IANA time zone.")
    created_at: datetime
    updated_at: datetime


class LineError(Answer):
    """A line of an import that was rejected."""

    line: int = Field(description="The number of the line, from 1; the header counts.")
    detail: str


class ImportReport(Answer):
    """What became of the lines of an import."""

    created: Count
    updated: Count
    skipped: Count
    rejected: Count
    errors: list[LineError] = Field(description="The first 100 rejected lines.")


class ByStatus(Answer):
    """The number of messages in each of the seven statuses; they add up to the total."""

    pending: Count = Field(description="Not yet accepted, and no failed attempt.")
    retrying: Count = Field(description="At least one failed attempt, and another is due.")
    sent: Count = Field(description="Accepted by the provider.")
    rejected: Count = Field(description="Refused by the provider for good.")
    exhausted: Count = Field(description="The attempts were used up.")
    expired: Count = Field(description="The end of the mailing came first.")
    cancelled: Count = Field(description="The mailing was cancelled or deleted, or the client deleted.")


class Filter(Answer):
    """Which clients a mailing is for. An empty list is no condition."""

    operator_codes: list[CodeShown]
    tags: list[str]


class Window(Answer):
    """The hours of a client's local day in which sending is allowed."""

    opens: ClockShown = Field(alias="from")
    closes: ClockShown = Field(alias="to")


class Mailing(Answer):
    """A mailing with its counts."""

    id: Id
    text: str
    filter: Filter
    start_at: datetime
    end_at: datetime
    window: Window | None = Field(description="Null where sending is allowed around the clock.")
    status: MailingStatus
    total: Count = Field(description="How many messages it has. It grows while `expanding` is true.")
    by_status: ByStatus
    expanding: bool = Field(description="True while the audience is being frozen.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = Field(description="When it began to run, or null.")
    finished_at: datetime | None = Field(description="When its last message became final, or null.")


class Message(Answer):
    """One mailing to one client, with the number of its attempts."""

    id: Id
    client_id: Id
    mailing_id: Id
    status: MessageStatus
    reason: str | None = Field(description="Why it has this status, or null.")
    attempts: Count = Field(description="How many requests to the provider there were.")
    created_at: datetime
    sent_at: datetime | None = Field(description="When the provider accepted it, or null.")


class Attempt(Answer):
    """One HTTP request to the provider."""

    number: Annotated[int, Field(description="1 for the first.", json_schema_extra={"minimum": 1})]
    started_at: datetime | None = Field(description="Null for a lost attempt, where nobody can say.")
    duration_ms: Count | None
    outcome: str = Field(description="What came of it, in a word: accepted, refused, timeout and so on.")
    http_status: int | None = Field(description="The HTTP status of the reply, or null where there was none.")
    detail: str | None


class MessageInFull(Answer):
    """One mailing to one client, with each of its attempts."""

    id: Id
    client_id: Id
    mailing_id: Id
    status: MessageStatus
    reason: str | None = Field(description="Why it has this status, or null.")
    attempts: list[Attempt]
    created_at: datetime
    sent_at: datetime | None = Field(description="When the provider accepted it, or null.")


class MailingTotals(Answer):
    """The number of mailings in each state."""

    total: Count
    scheduled: Count
    running: Count
    paused: Count
    finished: Count
    cancelled: Count


class MessageTotals(ByStatus):
    """The number of messages in each of the seven statuses, those of deleted mailings included."""

    total: Count


class Totals(Answer):
    """Everything, counted."""

    mailings: MailingTotals
    messages: MessageTotals


class MailingSummary(Answer):
    """A mailing in a line of statistics."""

    mailing_id: Id
    status: MailingStatus
    start_at: datetime
    end_at: datetime
    total: Count
    by_status: ByStatus


class Attempts(Answer):
    """The requests to the provider, by what came of them."""

    total: Count
    by_outcome: dict[str, Count]


class Reason(Answer):
    """How many messages have a status for the same reason."""

    status: MessageStatus
    reason: str
    count: Count


class Minute(Answer):
    """What became final in the minute that began at `at`."""

    at: datetime
    sent: Count
    failed: Count


class MailingStatistics(Answer):
    """The statistics of one mailing. They always equal what its messages say."""

    mailing_id: Id
    status: MailingStatus
    total: Count
    by_status: ByStatus
    attempts: Attempts
    reasons: list[Reason]
    per_minute: list[Minute]
    rate: float = Field(description="Messages that became final a second, at present.")
    eta: float | None = Field(description="Seconds until all are final at this rate; null where it cannot be told.")
    started_at: datetime | None
    finished_at: datetime | None


class Resent(Answer):
    """How many messages are being sent again."""

    messages: Count


class DeadLetter(Answer):
    """What waits in a dead queue. The ids are null where it is not about one mailing or one message."""

    id: Annotated[
        str,
        Field(
            description="It stays the same for as long as the letter waits.",
            json_schema_extra={"pattern": "^[0-9a-f]{16}$"},
        ),
    ]
    queue: str
    reason: str = Field(description="Why it is dead.")
    mailing_id: int | None
    message_id: int | None
    at: datetime | None = Field(description="When it was buried, or null where nobody noted it.")


class DeadLetters(Answer):
    """A page of dead letters."""

    items: list[DeadLetter]
    next: Next


class LetterError(Answer):
    """A letter that was not replayed, and why."""

    id: str
    detail: str


class Replayed(Answer):
    """Refused letters stay where they are."""

    replayed: Count
    refused: Count
    errors: list[LetterError] = Field(description="Why letters were refused, of the first 100.")


class Dropped(Answer):
    """How many dead letters were dropped."""

    dropped: Count


class Clients(Answer):
    """A page of clients."""

    items: list[Client]
    next: Next


class Mailings(Answer):
    """A page of mailings."""

    items: list[Mailing]
    next: Next


class Messages(Answer):
    """A page of messages."""

    items: list[Message]
    next: Next


class MailingSummaries(Answer):
    """A page of the counts of mailings."""

    items: list[MailingSummary]
    next: Next


class Event(Answer):
    """Something that happened."""

    at: datetime
    kind: str = Field(description="What happened, in a word: created, updated, paused, finished and so on.")
    request_id: str | None = Field(description="The X-Request-ID of the request that did it, or null.")
    detail: dict[str, Any] = Field(description="More of it: for updated, the names of the fields. Never values.")


class Events(Answer):
    """A page of what happened, in time order."""

    items: list[Event]
    next: Next


class Token(Answer):
    """Whose token it is, and what it may do."""

    name: str = Field(
        description="The name it was created under. Those with a colon are no tokens of the table: env:admin is "
        "HERALD_ADMIN_TOKEN, env:anybody is everybody where authentication is off."
    )
    role: Role = Field(description="Each role may do what the roles before it may: viewer, operator, admin.")


class Preview(Answer):
    """Who a mailing would go to, if it began now."""

    recipients: Count = Field(description="How many clients match the filter now.")
    reachable: Count = Field(description="Those of them whose window is open at some time before the end.")
    unreachable: Count = Field(description="Those whose window is closed from start_at to end_at.")
    by_operator_code: dict[str, Count]
    by_tag: dict[str, Count] = Field(description='The 100 largest tags; clients without one stand under "".')
    sample: list[Client] = Field(description="Up to five of them.")
    sms_segments: Annotated[
        int, Field(description="In how many short messages the text is sent.", json_schema_extra={"minimum": 1})
    ]
