"""What the API answers, as models: moments are in UTC, and every field is always there."""

from services.api.answers.clients import Client, Clients, ImportReport, LineError
from services.api.answers.history import Event, Events, Token
from services.api.answers.letters import DeadLetter, DeadLetters, Dropped, LetterError, Replayed
from services.api.answers.mailings import Filter, Mailing, Mailings, Preview, Resent, Window
from services.api.answers.messages import Attempt, Message, MessageInFull, Messages
from services.api.answers.parts import Answer, ByStatus, ClockShown, CodeShown, Count, Id, Next, PhoneShown
from services.api.answers.problems import FieldError, Problem
from services.api.answers.statistics import (
    Attempts,
    MailingStatistics,
    MailingSummaries,
    MailingSummary,
    MailingTotals,
    MessageTotals,
    Minute,
    Reason,
    Totals,
)

__all__ = [
    "Answer",
    "Attempt",
    "Attempts",
    "ByStatus",
    "Client",
    "Clients",
    "ClockShown",
    "CodeShown",
    "Count",
    "DeadLetter",
    "DeadLetters",
    "Dropped",
    "Event",
    "Events",
    "FieldError",
    "Filter",
    "Id",
    "ImportReport",
    "LetterError",
    "LineError",
    "Mailing",
    "MailingStatistics",
    "MailingSummaries",
    "MailingSummary",
    "MailingTotals",
    "Mailings",
    "Message",
    "MessageInFull",
    "MessageTotals",
    "Messages",
    "Minute",
    "Next",
    "PhoneShown",
    "Preview",
    "Problem",
    "Reason",
    "Replayed",
    "Resent",
    "Token",
    "Totals",
    "Window",
]
