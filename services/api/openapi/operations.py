"""What the document says of each route, by its handler. A route that is not here gets a bare entry, and fails a test.

To document a new route: write its models with descriptions, an example in examples.py, and a row here.
"""

from collections.abc import Mapping

from services.api import (
    answers,
    clients,
    dead_letters,
    exports,
    imports,
    mailings,
    messages,
    resends,
    schemas,
    statistics,
)
from services.api.accept import CSV, NDJSON
from services.api.idempotency import HEADER as IDEMPOTENCY_KEY
from services.api.openapi import examples
from services.api.openapi.operation import Example, Operation, Reply, body, patch_body, shown, text
from services.api.routes import Handler

TAGS: Mapping[str, str] = {
    "clients": "The directory of people: one at a time, as a list, or in bulk.",
    "mailings": "What is to be sent, to whom and when. A mailing is scheduled, running, paused, finished or cancelled.",
    "messages": "One mailing to one client, read only: what became of it, attempt by attempt.",
    "statistics": "Counts that always equal what the messages say.",
    "dead-letters": "What no process could work on, and jobs of messages whose attempts are used up. For admins.",
    "about": "This API about itself. No token is needed.",
}

_CSV_COLUMNS = "Columns phone, operator_code, tag and timezone, in any order; all but phone may be missing."
# The header as the import reads it, without the quotes and the order that it would take as well.
_CSV_HEADER = r"^phone(,operator_code)?(,tag)?(,timezone)?\r?\n"
_ONE_A_LINE = "One JSON object a line, each with the fields of a client."

_SENDING_NOW = Example("To the clients with a tag, from now on", examples.MAILING_NOW)
_PLANNED = Example("With a start, two lists in the filter, and the hours of a day", examples.MAILING_PLANNED)
_TO_ALL = Example("To everybody, at night", examples.MAILING_TO_ALL)

_CLIENT_BODY = body(
    schemas.ClientNew,
    full=Example("A client with a tag and a time zone", examples.CLIENT_NEW),
    short=Example("A client, the rest by default", examples.CLIENT_SHORT),
)
_PHONE_TAKEN = "Another client has this phone."
_NOTHING = Reply("Done. There is no body.")

CLIENTS: Mapping[Handler, Operation] = {
    clients.create: Operation(
        "createClient",
        "clients",
        "Adds one client to the directory. Only the phone is required. Mailings that start later can reach the client; "
        "one that runs already has a frozen audience. To add many, import them.",
        {201: shown("The client, as stored.", answers.Client, examples.CLIENT, headers=("Location",))},
        body=_CLIENT_BODY,
        errors={409: _PHONE_TAKEN},
    ),
    clients.listing: Operation(
        "listClients",
        "clients",
        "Lists clients by ascending id, page by page. All conditions that are given must hold.",
        {200: shown("A page of clients.", answers.Clients, examples.CLIENTS, headers=("Link",))},
    ),
    imports.import_clients: Operation(
        "importClients",
        "clients",
        "Adds or updates clients from a file of any size, which is read as a stream. A bad line is counted and "
        "reported, and stops nothing. Lines are stored in batches, a transaction each: an import that breaks off "
        "keeps what was stored, and may simply be sent again. A CSV must begin with a header line; without one it is "
        "refused with 422.",
        {200: shown("What became of the lines.", answers.ImportReport, examples.IMPORTED)},
        body=(
            text(CSV, _CSV_COLUMNS, examples.CLIENTS_CSV, pattern=_CSV_HEADER),
            text(NDJSON, _ONE_A_LINE, examples.CLIENTS_NDJSON),
        ),
        never=frozenset({413}),
    ),
    exports.export_clients: Operation(
        "exportClients",
        "clients",
        "Streams all clients, or those that meet the conditions, in the form that the import takes. The Accept header "
        "chooses between CSV, which is the default, and NDJSON. An answer that is cut off was not complete.",
        {
            200: Reply(
                "The clients, one a line.",
                (
                    text(CSV, _CSV_COLUMNS, examples.CLIENTS_CSV),
                    text(NDJSON, _ONE_A_LINE, examples.CLIENTS_NDJSON),
                ),
                ("Content-Disposition",),
            )
        },
    ),
    clients.show: Operation(
        "showClient",
        "clients",
        "Shows one client of the directory. A deleted one is not found.",
        {200: shown("The client.", answers.Client, examples.CLIENT)},
    ),
    clients.patch: Operation(
        "changeClient",
        "clients",
        "Changes the fields that are given and leaves the others. It acts at once, also for messages that are waiting"
        " to be sent: they go to the new phone, by the clock of the new time zone.",
        {200: shown("The client, as changed.", answers.Client, examples.CLIENT)},
        body=patch_body(schemas.ClientPatch, tag=Example("A new tag", {"tag": "vip"})),
        errors={409: _PHONE_TAKEN},
    ),
    clients.replace: Operation(
        "replaceClient",
        "clients",
        "Replaces every field of a client; what is left out takes its default, as for a new client. A client that is "
        "not there is not made.",
        {200: shown("The client, as replaced.", answers.Client, examples.CLIENT)},
        body=_CLIENT_BODY,
        errors={409: _PHONE_TAKEN},
    ),
    clients.delete: Operation(
        "deleteClient",
        "clients",
        "Takes a client out of the directory. Sending to the client stops at once; messages not yet sent are "
        "cancelled, and those that were sent still count.",
        {204: _NOTHING},
    ),
}

MAILINGS: Mapping[Handler, Operation] = {
    mailings.create: Operation(
        "createMailing",
        "mailings",
        "Creates a mailing in the state scheduled. At start_at, or at once when that is left out or past, its "
        "audience is frozen and sending begins; at end_at it is over, and what was not sent is expired. Send an "
        "Idempotency-Key so that a repeated request makes no second mailing.",
        {201: shown("The mailing.", answers.Mailing, examples.MAILING, headers=("Location",))},
        body=body(schemas.MailingNew, now=_SENDING_NOW, planned=_PLANNED, everybody=_TO_ALL),
        errors={
            409: "A request with this Idempotency-Key is still running; Retry-After says when to ask again.",
            422: "The values are not allowed, end_at is not ahead, or the Idempotency-Key came with other values.",
        },
        headers=(IDEMPOTENCY_KEY,),
    ),
    mailings.listing: Operation(
        "listMailings",
        "mailings",
        "Lists mailings with their counts, the newest first, page by page. Deleted ones are not there.",
        {200: shown("A page of mailings.", answers.Mailings, examples.MAILINGS, headers=("Link",))},
    ),
    mailings.show: Operation(
        "showMailing",
        "mailings",
        "Shows a mailing with its state and the number of messages in each status.",
        {200: shown("The mailing.", answers.Mailing, examples.MAILING_RUNNING)},
    ),
    mailings.patch: Operation(
        "changeMailing",
        "mailings",
        "Changes the fields that are given. While a mailing is scheduled, every field may be changed; while it is "
        "running or paused, only text, window and end_at, which must then be at least 30 seconds ahead. No request to"
        " the provider starts with the old values once this was answered.",
        {200: shown("The mailing, as changed.", answers.Mailing, examples.MAILING)},
        body=patch_body(
            schemas.MailingPatch,
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
        {204: _NOTHING},
    ),
    mailings.pause: Operation(
        "pauseMailing",
        "mailings",
        "Stops the sending of a running mailing at once; requests already on their way are finished. The end stays "
        "where it is. A paused mailing stays paused.",
        {200: shown("The mailing.", answers.Mailing, examples.MAILING_PAUSED)},
        errors={409: "The mailing is scheduled, finished or cancelled, or past its end."},
    ),
    mailings.resume: Operation(
        "resumeMailing",
        "mailings",
        "Goes on with the sending of a paused mailing. A running mailing keeps running.",
        {200: shown("The mailing.", answers.Mailing, examples.MAILING_RUNNING)},
        errors={409: "The mailing is scheduled, finished or cancelled, or past its end."},
    ),
    mailings.cancel: Operation(
        "cancelMailing",
        "mailings",
        "Ends a scheduled, running or paused mailing for good. Sending stops at once, and within seconds every message "
        "not yet sent is counted as cancelled. A cancelled mailing stays cancelled.",
        {200: shown("The mailing.", answers.Mailing, examples.MAILING_CANCELLED)},
        errors={409: "The mailing is finished, or past its end."},
    ),
    resends.resend: Operation(
        "resendMessages",
        "mailings",
        "Sends messages of a mailing again that are final and were not sent, in a new round with all its attempts. "
        "The answer says how many there are; they become pending within seconds, and a finished mailing runs again. "
        "Messages of deleted clients, and those of which an attempt may still be under way, are left out.",
        {202: shown("How many messages are sent again.", answers.Resent, examples.RESENT)},
        body=body(schemas.Resend, failed=Example("What was refused or gave up", examples.RESEND)),
        errors={
            409: "The mailing is scheduled or cancelled, past its end, or an earlier resend of it is still under way; "
            "then Retry-After says when to ask again."
        },
    ),
}

MESSAGES: Mapping[Handler, Operation] = {
    messages.listing: Operation(
        "listMessages",
        "messages",
        "Lists the messages of a mailing by ascending id, page by page. With Accept: text/csv all of them are "
        "streamed, whatever the limit; an answer that is cut off was not complete.",
        {
            200: shown(
                "A page of messages, or all of them as CSV.",
                answers.Messages,
                examples.MESSAGES,
                text(CSV, "A header, then a message a line.", examples.MESSAGES_CSV),
                headers=("Link",),
            )
        },
    ),
    messages.show: Operation(
        "showMessage",
        "messages",
        "Shows a message with each request to the provider that was made for it.",
        {200: shown("The message.", answers.MessageInFull, examples.MESSAGE_IN_FULL)},
    ),
}

STATISTICS: Mapping[Handler, Operation] = {
    statistics.of_mailing: Operation(
        "showStatistics",
        "statistics",
        "Shows what became of a mailing: its counts, the attempts by outcome, the reasons of what was not sent, the "
        "course minute by minute, the present rate, and the seconds that are left.",
        {200: shown("The statistics.", answers.MailingStatistics, examples.STATISTICS)},
    ),
    statistics.totals: Operation(
        "showTotals",
        "statistics",
        "Counts all mailings by state and all messages by status. Messages of deleted mailings are among them.",
        {200: shown("The counts.", answers.Totals, examples.TOTALS)},
    ),
    statistics.listing: Operation(
        "listStatistics",
        "statistics",
        "Lists the counts of each mailing, the newest first, page by page.",
        {200: shown("A page of counts.", answers.MailingSummaries, examples.SUMMARIES, headers=("Link",))},
    ),
}

_NO_BROKER = "The broker or the database is away."

DEAD_LETTERS: Mapping[Handler, Operation] = {
    dead_letters.listing: Operation(
        "listDeadLetters",
        "dead-letters",
        "Lists what waits in the dead queues, page by page, and why it is dead. Looking changes nothing.",
        {200: shown("A page of dead letters.", answers.DeadLetters, examples.DEAD_LETTERS, headers=("Link",))},
        errors={503: _NO_BROKER},
    ),
    dead_letters.replay: Operation(
        "replayDeadLetters",
        "dead-letters",
        "Gives dead letters back to work. An exhausted message gets a new round with all its attempts; other letters "
        "go back to the queue that they came from. What cannot be replayed stays, with the reason. Either `ids` or "
        "`all` must be given.",
        {200: shown("What was replayed, and what was not.", answers.Replayed, examples.REPLAYED)},
        body=body(
            schemas.DeadLettersReplay,
            all=Example("All of one queue", examples.REPLAY_ALL),
            some=Example("By their ids", examples.REPLAY_SOME),
        ),
        errors={503: _NO_BROKER},
    ),
    dead_letters.drop: Operation(
        "dropDeadLetters",
        "dead-letters",
        "Removes dead letters for good. The messages that they were about keep their status. Either `ids` or `all` "
        "must be given.",
        {200: shown("How many were dropped.", answers.Dropped, examples.DROPPED)},
        query=examples.DROP,
        errors={503: _NO_BROKER},
    ),
}

OPERATIONS: Mapping[Handler, Operation] = {**CLIENTS, **MAILINGS, **MESSAGES, **STATISTICS, **DEAD_LETTERS}


def bare(handler: Handler, path: str, summary: str) -> Operation:
    """The entry of a route that nobody has documented yet."""
    name = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
    return Operation(name, path.split("/")[1], f"{summary}.", {200: Reply("Done.")})
