"""What the document says of mailings."""

from collections.abc import Mapping

from services.api.audit.responses import Events
from services.api.mailings import handlers as mailings
from services.api.mailings import preview, resend
from services.api.mailings.idempotency import HEADER as IDEMPOTENCY_KEY
from services.api.mailings.responses import Mailing, Mailings, Preview, Resent
from services.api.mailings.schemas import MailingNew, MailingPatch, Resend
from services.api.openapi import examples
from services.api.openapi.operation import NOTHING, Example, Operation, body, patch_body, shown
from services.api.web.route import Handler

_SENDING_NOW = Example("To the clients with a tag, from now on", examples.MAILING_NOW)
_PLANNED = Example("With a start, two lists in the filter, and the hours of a day", examples.MAILING_PLANNED)
_TO_ALL = Example("To everybody, at night", examples.MAILING_TO_ALL)

MAILINGS: Mapping[Handler, Operation] = {
    mailings.create: Operation(
        "createMailing",
        "mailings",
        "Creates a mailing in the state scheduled. At start_at, or at once when that is left out or past, its "
        "audience is frozen and sending begins; at end_at it is over, and what was not sent is expired. Send an "
        "Idempotency-Key so that a repeated request makes no second mailing.",
        {201: shown("The mailing.", Mailing, examples.MAILING, headers=("Location",))},
        body=body(MailingNew, now=_SENDING_NOW, planned=_PLANNED, everybody=_TO_ALL),
        errors={
            409: "A request with this Idempotency-Key is still running; Retry-After says when to ask again.",
            422: "The values are not allowed, end_at is not ahead, or the Idempotency-Key came with other values.",
        },
        headers=(IDEMPOTENCY_KEY,),
    ),
    preview.preview: Operation(
        "previewMailing",
        "mailings",
        "Counts who a mailing would go to, from the same body that would create it, and in how many short messages. "
        "Nothing is stored, and nothing is sent. The audience is frozen only when a mailing starts, so it may differ "
        "then.",
        {200: shown("Who it would go to.", Preview, examples.PREVIEW)},
        body=body(MailingNew, now=_SENDING_NOW, planned=_PLANNED, everybody=_TO_ALL),
    ),
    mailings.listing: Operation(
        "listMailings",
        "mailings",
        "Lists mailings with their counts, the newest first, page by page. Deleted ones are not there.",
        {200: shown("A page of mailings.", Mailings, examples.MAILINGS, headers=("Link",))},
    ),
    mailings.show: Operation(
        "showMailing",
        "mailings",
        "Shows a mailing with its state and the number of messages in each status.",
        {200: shown("The mailing.", Mailing, examples.MAILING_RUNNING)},
    ),
    mailings.patch: Operation(
        "changeMailing",
        "mailings",
        "Changes the fields that are given. While a mailing is scheduled, every field may be changed; while it is "
        "running or paused, only text, window and end_at, which must then be at least 30 seconds ahead. No request to"
        " the provider starts with the old values once this was answered.",
        {200: shown("The mailing, as changed.", Mailing, examples.MAILING)},
        body=patch_body(
            MailingPatch,
            text=Example("Another text", {"text": "Your order is waiting."}),
            longer=Example("A later end, around the clock", {"end_at": "2035-02-01T18:00:00+03:00", "window": None}),
        ),
        errors={409: "The mailing is finished or cancelled, or its state does not allow this field to be changed."},
    ),
    mailings.delete: Operation(
        "deleteMailing",
        "mailings",
        "Deletes a mailing in any state. Sending stops at once. It is not found from then on, while its messages still "
        "count in the statistics of everything.",
        {204: NOTHING},
    ),
    mailings.pause: Operation(
        "pauseMailing",
        "mailings",
        "Stops the sending of a running mailing at once; requests already on their way are finished. The end stays "
        "where it is. A paused mailing stays paused.",
        {200: shown("The mailing.", Mailing, examples.MAILING_PAUSED)},
        errors={409: "The mailing is scheduled, finished or cancelled, or past its end."},
    ),
    mailings.resume: Operation(
        "resumeMailing",
        "mailings",
        "Goes on with the sending of a paused mailing. A running mailing keeps running.",
        {200: shown("The mailing.", Mailing, examples.MAILING_RUNNING)},
        errors={409: "The mailing is scheduled, finished or cancelled, or past its end."},
    ),
    mailings.cancel: Operation(
        "cancelMailing",
        "mailings",
        "Ends a scheduled, running or paused mailing for good. Sending stops at once, and within seconds every message "
        "not yet sent is counted as cancelled. A cancelled mailing stays cancelled.",
        {200: shown("The mailing.", Mailing, examples.MAILING_CANCELLED)},
        errors={409: "The mailing is finished, or past its end."},
    ),
    mailings.events: Operation(
        "listMailingEvents",
        "mailings",
        "Lists what happened to a mailing, in time order: who asked for what, and when it started, froze its audience"
        " and finished. Only names of fields are told, no values.",
        {200: shown("A page of events.", Events, examples.MAILING_EVENTS, headers=("Link",))},
    ),
    resend.resend: Operation(
        "resendMessages",
        "mailings",
        "Sends messages of a mailing again that are final and were not sent, in a new round with all its attempts. "
        "The answer says how many there are; they become pending within seconds, and a finished mailing runs again. "
        "Messages of deleted clients, and those of which an attempt may still be under way, are left out.",
        {202: shown("How many messages are sent again.", Resent, examples.RESENT)},
        body=body(Resend, failed=Example("What was refused or gave up", examples.RESEND)),
        errors={
            409: "The mailing is scheduled or cancelled, past its end, or an earlier resend of it is still under way; "
            "then Retry-After says when to ask again."
        },
    ),
}
