"""What the document says of the directory."""

from collections.abc import Mapping

from services.api.audit.responses import Events
from services.api.clients import export
from services.api.clients import handlers as clients
from services.api.clients.import_ import handler as imports
from services.api.clients.responses import Client, Clients, ImportReport
from services.api.clients.schemas import ClientNew, ClientPatch
from services.api.openapi import examples
from services.api.openapi.operation import NOTHING, Example, Operation, Reply, body, patch_body, shown, text
from services.api.web.negotiation import CSV, NDJSON
from services.api.web.route import Handler

_CSV_COLUMNS = "Columns phone, operator_code, tag and timezone, in any order; all but phone may be missing."
# The header as the import reads it, without the quotes and the order that it would take as well.
_CSV_HEADER = r"^phone(,operator_code)?(,tag)?(,timezone)?\r?\n"
_ONE_A_LINE = "One JSON object a line, each with the fields of a client."

_CLIENT_BODY = body(
    ClientNew,
    full=Example("A client with a tag and a time zone", examples.CLIENT_NEW),
    short=Example("A client, the rest by default", examples.CLIENT_SHORT),
)
_PHONE_TAKEN = "Another client has this phone."

CLIENTS: Mapping[Handler, Operation] = {
    clients.create: Operation(
        "createClient",
        "clients",
        "Adds one client to the directory. Only the phone is required. Mailings that start later can reach the client; "
        "one that runs already has a frozen audience. To add many, import them.",
        {201: shown("The client, as stored.", Client, examples.CLIENT, headers=("Location",))},
        body=_CLIENT_BODY,
        errors={409: _PHONE_TAKEN},
    ),
    clients.listing: Operation(
        "listClients",
        "clients",
        "Lists clients by ascending id, page by page. All conditions that are given must hold.",
        {200: shown("A page of clients.", Clients, examples.CLIENTS, headers=("Link",))},
    ),
    imports.import_clients: Operation(
        "importClients",
        "clients",
        "Adds or updates clients from a file of any size, which is read as a stream. A bad line is counted and "
        "reported, and stops nothing. Lines are stored in batches, a transaction each: an import that breaks off "
        "keeps what was stored, and may simply be sent again. A CSV must begin with a header line; without one it is "
        "refused with 422.",
        {200: shown("What became of the lines.", ImportReport, examples.IMPORTED)},
        body=(
            text(CSV, _CSV_COLUMNS, examples.CLIENTS_CSV, pattern=_CSV_HEADER),
            text(NDJSON, _ONE_A_LINE, examples.CLIENTS_NDJSON),
        ),
        never=frozenset({413}),
    ),
    export.export_clients: Operation(
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
        {200: shown("The client.", Client, examples.CLIENT)},
    ),
    clients.patch: Operation(
        "changeClient",
        "clients",
        "Changes the fields that are given and leaves the others. It acts at once, also for messages that are waiting"
        " to be sent: they go to the new phone, by the clock of the new time zone.",
        {200: shown("The client, as changed.", Client, examples.CLIENT)},
        body=patch_body(ClientPatch, tag=Example("A new tag", {"tag": "vip"})),
        errors={409: _PHONE_TAKEN},
    ),
    clients.replace: Operation(
        "replaceClient",
        "clients",
        "Replaces every field of a client; what is left out takes its default, as for a new client. A client that is "
        "not there is not made.",
        {200: shown("The client, as replaced.", Client, examples.CLIENT)},
        body=_CLIENT_BODY,
        errors={409: _PHONE_TAKEN},
    ),
    clients.delete: Operation(
        "deleteClient",
        "clients",
        "Takes a client out of the directory. Sending to the client stops at once; messages not yet sent are "
        "cancelled, and those that were sent still count.",
        {204: NOTHING},
    ),
    clients.events: Operation(
        "listClientEvents",
        "clients",
        "Lists what happened to a client, in time order: how it was added, changed and imported, and the mailings that "
        "took it in. A deleted client is not found.",
        {200: shown("A page of events.", Events, examples.CLIENT_EVENTS, headers=("Link",))},
    ),
}
