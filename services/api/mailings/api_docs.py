"""Describes the operations on mailings for the API's document."""

from collections.abc import Mapping

from services.api.audit.responses import Events
from services.api.clients.api_docs import CLIENT, CREATED
from services.api.mailings import handlers as mailings
from services.api.mailings import resend
from services.api.mailings.audience import preview
from services.api.mailings.drafts import handlers as drafts
from services.api.mailings.idempotency.keys import HEADER as IDEMPOTENCY_KEY
from services.api.mailings.recipients import api_docs as recipients
from services.api.mailings.responses import Mailing, Mailings, Preview, Resent
from services.api.mailings.schemas import MailingNew, MailingPatch, Resend
from services.api.web.operation import (
    MADE_AT,
    NO_CONTENT,
    SENT_AT,
    Example,
    Json,
    Operation,
    json_body,
    patch_body,
    success,
)
from services.api.web.route import Handler

MAILING_NOW: Json = {
    "text": "Your order is ready.",
    "end_at": "2035-01-31T18:00:00+03:00",
    "filter": {"tags": ["vip"]},
}
MAILING_DRAFT: Json = {
    "name": "Orders of January",
    "draft": True,
    "text": "Your order is ready.",
    "end_at": "2035-01-31T18:00:00+03:00",
    "filter": {},
}
MAILING_PLANNED: Json = {
    "text": "The sale begins today.\nCome and see.",
    "start_at": "2035-01-30T09:00:00+03:00",
    "end_at": "2035-01-31T18:00:00+03:00",
    "filter": {"operator_codes": ["903", "916"], "tags": ["vip", ""]},
    "window": {"from": "09:00", "to": "21:00", "days": ["mon", "tue", "wed", "thu", "fri"]},
}
MAILING_PERSONAL: Json = {
    "text": "Hello, {{name|dear client}}! Your contract: {{contract}}.",
    "end_at": "2035-01-31T18:00:00+03:00",
    "filter": {"all": [{"field": "attribute", "name": "contract", "op": "exists"}]},
    "on_missing": "skip",
}
MAILING_REST: Json = {"text": "Your order is ready.", "end_at": "2035-02-28T18:00:00+03:00", "filter": {"unsent_of": 1}}
MAILING_TO_ALL: Json = {
    "text": "We are back.",
    "end_at": "2035-01-31T15:00:00Z",
    "filter": {},
    "window": {"from": "22:00", "to": "06:00"},
}
_NOTHING_MORE = {"until": None, "since": None, "provider": None, "reason": None, "share": None}
SENDING: Json = {**_NOTHING_MORE, "code": "sending"}
NO_MESSAGES = {"pending": 0, "retrying": 0, "sent": 0, "rejected": 0, "exhausted": 0, "expired": 0, "cancelled": 0}
MAILING: Json = {
    "id": 1,
    "name": "",
    "text": "Your order is ready.",
    "filter": {
        "operator_codes": [],
        "tags": ["vip"],
        "unsent_of": None,
        "segment": None,
        "all": None,
        "any": None,
        "not": None,
    },
    "recipients": None,
    "start_at": MADE_AT,
    "end_at": "2035-01-31T15:00:00Z",
    "window": None,
    "on_missing": "refuse",
    "status": "scheduled",
    "total": 0,
    "by_status": NO_MESSAGES,
    "expanding": False,
    "rate": 0.0,
    "eta": None,
    "activity": {**_NOTHING_MORE, "code": "scheduled", "until": MADE_AT},
    "created_at": MADE_AT,
    "updated_at": MADE_AT,
    "started_at": None,
    "finished_at": None,
}
MAILING_RUNNING: Json = {
    **MAILING,
    "status": "running",
    "total": 1,
    "by_status": {**NO_MESSAGES, "pending": 1},
    "rate": 48.5,
    "eta": 0.1,
    "activity": SENDING,
    "started_at": MADE_AT,
}
DRAFT: Json = {
    **MAILING,
    "name": "Orders of January",
    "status": "draft",
    "activity": {**_NOTHING_MORE, "code": "draft"},
}
MAILING_PAUSED: Json = {
    **MAILING_RUNNING,
    "status": "paused",
    "rate": 0.0,
    "eta": None,
    "activity": {**_NOTHING_MORE, "code": "paused", "until": "2035-01-31T15:00:00Z"},
}
MAILING_CANCELLED: Json = {
    **MAILING_RUNNING,
    "status": "cancelled",
    "by_status": {**NO_MESSAGES, "cancelled": 1},
    "rate": 0.0,
    "eta": None,
    "activity": {**_NOTHING_MORE, "code": "cancelled"},
    "finished_at": SENT_AT,
}
MAILINGS: Json = {"items": [MAILING_RUNNING], "next": None}
PREVIEW: Json = {
    "recipients": 1,
    "opted_out": 0,
    "reachable": 1,
    "unreachable": 0,
    "by_operator_code": {"916": 1},
    "by_tag": {"vip": 1},
    "sample": [CLIENT],
    "sms_segments": 1,
    "window": {"from": "09:00", "to": "21:00", "days": ["mon", "tue", "wed", "thu", "fri"]},
    "never_reachable": [],
    "personal": {
        "placeholders": [{"name": "name", "required": True, "missing": 0, "sample": [], "phones": []}],
        "skipped": 0,
        "too_long": 0,
        "samples": [{"client_id": 1, "text": "Hello, Anna!", "reason": None}],
        "segments": {"least": 1, "most": 1, "total": 1},
    },
}
RESEND: Json = {"statuses": ["rejected", "exhausted"]}
RESEND_UNDELIVERED: Json = {"delivery": ["undelivered"]}
RESEND_LATER: Json = {"statuses": ["expired"], "end_at": "2035-02-28T18:00:00+03:00"}
RESENT: Json = {"messages": 1}
MAILING_EVENTS: Json = {
    "items": [CREATED, {**CREATED, "kind": "started"}, {**CREATED, "at": SENT_AT, "kind": "finished"}],
    "next": None,
}

_SENDING_NOW = Example("To clients with a tag, starting now", MAILING_NOW)
_PLANNED = Example("With a start, both lists of the filter, and a window", MAILING_PLANNED)
_PERSONAL = Example("With values of each client, for those who have a contract", MAILING_PERSONAL)
_TO_ALL = Example("To every client, at night", MAILING_TO_ALL)
_DRAFT = Example("A draft with a name", MAILING_DRAFT)
_REST = Example("To those who did not get another mailing", MAILING_REST)

_IDEMPOTENCY_KEY: Json = {
    "description": "A key of your choice, 1 to 255 printable ASCII characters, under which the request is carried out "
    "once. Sent again within 24 hours with the same token and the same values, it gets the first "
    "answer again. With other values the answer is 422; while the first request is still running, it "
    "is 409.",
    "schema": {"type": "string", "pattern": r"^[\x20-\x7e]{1,255}$", "minLength": 1, "maxLength": 255},
}
_EXAMPLES = {"now": _SENDING_NOW, "planned": _PLANNED, "everybody": _TO_ALL, "rest": _REST, "personal": _PERSONAL}

OPERATIONS: Mapping[Handler, Operation] = {
    **recipients.OPERATIONS,
    mailings.create: Operation(
        "createMailing",
        "mailings",
        "Creates a mailing in the state scheduled, or a draft. At start_at, or at once if that is left out or in the "
        "past, its audience is frozen and sending begins. At end_at sending stops, and unsent messages expire. Send "
        "an Idempotency-Key so that a repeated request does not create a second mailing.",
        {201: success("The mailing.", Mailing, MAILING, headers=("Location",))},
        body=json_body(MailingNew, **_EXAMPLES, draft=_DRAFT),
        errors={
            409: "Another request with this Idempotency-Key is still running; Retry-After gives the seconds to wait. "
            "Or some of the audience lack a value of the text: missing_values names them, and nothing is stored.",
            422: "The values are not allowed, end_at is not in the future, or the Idempotency-Key was used with other "
            "values.",
        },
        headers={IDEMPOTENCY_KEY: _IDEMPOTENCY_KEY},
    ),
    preview.preview_stored: Operation(
        "previewStoredMailing",
        "mailings",
        "Counts those whom a mailing would be sent to if it started now, and shows the texts of the first of them, as "
        "previewMailing does for one that is not stored. It is how a draft is looked at before it starts: of one with "
        "a file, the audience is that file, in its order.",
        {200: success("The audience.", Preview, PREVIEW)},
    ),
    preview.preview_new: Operation(
        "previewMailing",
        "mailings",
        "Counts the clients that a mailing would be sent to, and the short messages that its text takes, from the "
        "same body that would create it. Nothing is stored, and nothing is sent. The audience is frozen only when a "
        "mailing starts, so it may differ then.",
        {200: success("The audience.", Preview, PREVIEW)},
        body=json_body(
            MailingNew, now=_SENDING_NOW, planned=_PLANNED, everybody=_TO_ALL, rest=_REST, personal=_PERSONAL
        ),
    ),
    mailings.listing: Operation(
        "listMailings",
        "mailings",
        "Lists mailings with their counts, page by page, the newest first unless `sort` says otherwise. Filters "
        "are ANDed. Deleted mailings and test-sends are left out.",
        {200: success("A page of mailings.", Mailings, MAILINGS, headers=("Link",))},
    ),
    mailings.show: Operation(
        "showMailing",
        "mailings",
        "Shows a mailing with its state and the number of messages in each status.",
        {200: success("The mailing.", Mailing, MAILING_RUNNING, headers=("ETag",))},
    ),
    mailings.patch: Operation(
        "changeMailing",
        "mailings",
        "Changes the fields that are given. While a mailing is a draft or scheduled, every field may be changed; while "
        "it is running or paused, only name, text, window, on_missing and end_at, which must then be at least 40 "
        "seconds in the future. A filter takes the place of a file of recipients. After the answer, no request to the "
        "provider starts with the old values.",
        {200: success("The changed mailing.", Mailing, MAILING, headers=("ETag",))},
        body=patch_body(
            MailingPatch,
            text=Example("A new text", {"text": "Your order is waiting."}),
            longer=Example("A later end, and no window", {"end_at": "2035-02-01T18:00:00+03:00", "window": None}),
        ),
        errors={
            409: "The mailing is finished or cancelled, its state does not allow this field to be changed, or some of "
            "the audience lack a value of the new text."
        },
        versioned=True,
    ),
    mailings.delete: Operation(
        "deleteMailing",
        "mailings",
        "Deletes a mailing in any state. Sending stops at once. The mailing is not found from then on, but its "
        "messages still count in the overall statistics, and each can still be shown. While it closes, in the seconds "
        "after end_at, the answer is 409.",
        {204: NO_CONTENT},
        errors={409: "The mailing is past its end, and its messages are being settled: try again in a few seconds."},
        versioned=True,
    ),
    drafts.start: Operation(
        "startMailing",
        "mailings",
        "Starts a draft: it is scheduled, and starts at start_at, or at once if that is in the past. Starting a "
        "scheduled or running mailing changes nothing.",
        {200: success("The mailing.", Mailing, MAILING, headers=("ETag",))},
        errors={
            409: "The draft's end is in the past, the mailing is paused, finished or cancelled, or some of the "
            "audience lack a value of the text: missing_values names them."
        },
        versioned=True,
    ),
    drafts.duplicate: Operation(
        "duplicateMailing",
        "mailings",
        "Makes a draft with the name, text, audience, times and window of a mailing in any state. An end in the past "
        "must be changed before the draft is started.",
        {201: success("The draft.", Mailing, DRAFT, headers=("Location", "ETag"))},
    ),
    mailings.pause: Operation(
        "pauseMailing",
        "mailings",
        "Stops the sending of a running mailing at once; requests to the provider that are under way are finished. "
        "end_at stays the same. Pausing a paused mailing changes nothing.",
        {200: success("The mailing.", Mailing, MAILING_PAUSED, headers=("ETag",))},
        errors={409: "The mailing is a draft, scheduled, finished or cancelled, or past its end."},
        versioned=True,
    ),
    mailings.resume: Operation(
        "resumeMailing",
        "mailings",
        "Continues the sending of a paused mailing. Resuming a running mailing changes nothing.",
        {200: success("The mailing.", Mailing, MAILING_RUNNING, headers=("ETag",))},
        errors={409: "The mailing is a draft, scheduled, finished or cancelled, or past its end."},
        versioned=True,
    ),
    mailings.cancel: Operation(
        "cancelMailing",
        "mailings",
        "Ends a draft, scheduled, running or paused mailing for good. Sending stops at once, and within seconds every "
        "unsent message counts as cancelled. Cancelling a cancelled mailing changes nothing.",
        {200: success("The mailing.", Mailing, MAILING_CANCELLED, headers=("ETag",))},
        errors={409: "The mailing is finished, or past its end."},
        versioned=True,
    ),
    mailings.events: Operation(
        "listMailingEvents",
        "mailings",
        "Lists the events of a mailing in time order: which request changed it and whose token it came with, and when "
        "the mailing started, froze its audience and finished. Events name fields, never values.",
        {200: success("A page of events.", Events, MAILING_EVENTS, headers=("Link",))},
    ),
    resend.resend: Operation(
        "resendMessages",
        "mailings",
        "Sends final, unsent messages of a mailing again, or those that receipts call undelivered, in a new round with "
        "all its attempts. The answer gives "
        "their number; they become pending within seconds, and a finished mailing runs again. One that is past its end "
        "needs a new end_at: so those who did not get it get it later. Messages of deleted "
        "clients are left out, and so are messages with an attempt that may still be under way.",
        {202: success("The number of messages that are sent again.", Resent, RESENT)},
        body=json_body(
            Resend,
            failed=Example("Rejected and exhausted messages", RESEND),
            undelivered=Example("Messages that did not reach the handset", RESEND_UNDELIVERED),
            later=Example("Those who did not get it in time, until a new end", RESEND_LATER),
        ),
        errors={
            409: "The mailing is cancelled, or past its end without a new one; its messages are being settled; or an "
            "earlier resend of it is still running; in the last case Retry-After gives the seconds to wait."
        },
        versioned=True,
    ),
}
