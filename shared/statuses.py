"""Every status, state and role of Herald, typed once; docs/glossary.md explains them."""

from typing import Literal, get_args

MailingStatus = Literal["draft", "scheduled", "running", "paused", "finished", "cancelled"]
MessageStatus = Literal["pending", "retrying", "sent", "rejected", "exhausted", "expired", "cancelled"]
# Final, and not delivered: what a resend can send again.
UnsentStatus = Literal["rejected", "exhausted", "expired", "cancelled"]
# What one attempt can make of its message; only the planner cancels.
ResultStatus = Literal["retrying", "sent", "rejected", "exhausted", "expired"]
# Those of them that end the message.
FinalResultStatus = Literal["sent", "rejected", "exhausted", "expired"]
# What one attempt came to, in the words of the statistics. "lost", of an attempt without a result, is no result's.
AttemptOutcome = Literal[
    "accepted",
    "broken",
    "duplicate",
    "error_code",
    "hold",
    "not_found",
    # No request was made: the text could not be rendered for the client.
    "not_rendered",
    "redirected",
    "refused",
    "server_error",
    "timeout",
    "too_late",
    "too_many",
    "unauthorized",
    "unreachable",
    "unreadable",
]
# What a receipt says of a message that a provider took.
Delivery = Literal["waiting", "delivered", "undelivered"]
# What the planner makes of messages that will never be sent.
SettledStatus = Literal["expired", "cancelled"]
# In ascending order: each role may do what the ones before it may.
Role = Literal["viewer", "operator", "admin"]

# The reason of cancelled messages to those on the stop list.
OPTED_OUT = "opted out"

MAILING_STATUSES: tuple[MailingStatus, ...] = get_args(MailingStatus)
MESSAGE_STATUSES: tuple[MessageStatus, ...] = get_args(MessageStatus)
UNSENT_STATUSES: tuple[UnsentStatus, ...] = get_args(UnsentStatus)
RESULT_STATUSES: tuple[ResultStatus, ...] = get_args(ResultStatus)
ATTEMPT_OUTCOMES: tuple[AttemptOutcome, ...] = get_args(AttemptOutcome)
DELIVERIES: tuple[Delivery, ...] = get_args(Delivery)
SETTLED_STATUSES: tuple[SettledStatus, ...] = get_args(SettledStatus)
ROLES: tuple[Role, ...] = get_args(Role)
