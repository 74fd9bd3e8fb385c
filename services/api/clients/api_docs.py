"""Describes the operations on clients for the API's document."""

from collections.abc import Mapping

from services.api.audit.responses import Events
from services.api.clients import export
from services.api.clients import handlers as clients
from services.api.clients.import_ import handler as imports
from services.api.clients.import_ import inspect as imports_inspect
from services.api.clients.import_.responses import ImportInspection
from services.api.clients.responses import Client, Clients, ImportReport
from services.api.clients.schemas import ClientNew, ClientPatch
from services.api.web.negotiation import BYTES, CSV, NDJSON
from services.api.web.operation import (
    MADE_AT,
    NO_CONTENT,
    SENT_AT,
    Example,
    Json,
    Operation,
    Success,
    json_body,
    patch_body,
    success,
    text_content,
)
from services.api.web.route import Handler

CLIENT_NEW: Json = {
    "phone": "79161234567",
    "tags": ["vip", "newsletter"],
    "timezone": "Europe/Moscow",
    "external_id": "K-4711",
    "attributes": {"name": "Anna", "since": "2024-03-01"},
}
CLIENT_BY_ID: Json = {"phone": "79261234567", "attributes": {"name": "Anna"}}
CLIENT_SHORT: Json = {"phone": "79031234568"}
CLIENT: Json = {
    "id": 1,
    "phone": "79161234567",
    "operator_code": "916",
    "tag": "vip",
    "tags": ["vip", "newsletter"],
    "timezone": "Europe/Moscow",
    "external_id": "K-4711",
    "attributes": {"name": "Anna", "since": "2024-03-01"},
    "created_at": MADE_AT,
    "updated_at": MADE_AT,
}
CLIENTS: Json = {"items": [CLIENT], "next": "Y2xpZW50czox"}
CLIENTS_CSV = "phone,operator_code,tag,timezone\n79161234567,916,vip,Europe/Moscow\n79031234568,,,\n"
CLIENTS_NDJSON = '{"phone": "79161234567", "tag": "vip", "timezone": "Europe/Moscow"}\n{"phone": "79031234568"}\n'
IMPORTED: Json = {
    "created": 2,
    "updated": 0,
    "unchanged": 0,
    "skipped": 0,
    "repeated": 0,
    "rejected": 1,
    "errors": [{"line": 4, "detail": "phone: must be 7 and ten more digits, without a plus sign, such as 79161234567"}],
    "refused_csv": None,
    "refused_left_out": 0,
}
CREATED: Json = {"at": MADE_AT, "kind": "created", "request_id": "order-4711", "detail": {}}
CLIENT_EVENTS: Json = {
    "items": [CREATED, {**CREATED, "at": SENT_AT, "kind": "updated", "detail": {"fields": ["tag"]}}],
    "next": None,
}

CSV_OF_EXCEL = "Телефон;Имя;Группа\n8 (916) 123-45-67;Анна;vip\n+7 903 123-45-68;Борис;\n"
INSPECTED: Json = {
    "encoding": "utf-8",
    "delimiter": "semicolon",
    "header": True,
    "columns": [
        {
            "heading": "Телефон",
            "target": "phone",
            "filled": 2,
            "samples": ["8 (916) 123-45-67", "+7 903 123-45-68"],
        },
        {"heading": "Имя", "target": "attributes.name", "filled": 2, "samples": ["Анна", "Борис"]},
        {"heading": "Группа", "target": "tag", "filled": 1, "samples": ["vip"]},
    ],
    "rows": 2,
    "uneven": 0,
    "unreadable": 0,
    "complete": True,
    "phones": {"as_is": 0, "repairable": 2, "empty": 0, "repeated": 0, "refused": []},
    "proposal": {
        "encoding": "utf-8",
        "delimiter": "semicolon",
        "header": True,
        "map": "phone,attributes.name,tag",
        "phones": "repair",
    },
}
_CSV_COLUMNS = (
    "The columns phone, operator_code, tag, timezone, tags, external_id and attributes, in any order. Only phone is "
    "required. Tags are separated by commas within their cell, and attributes are a JSON object."
)
# The header as the document describes it; the import also accepts quotes and any order.
_CSV_HEADER = r"^phone(,operator_code)?(,tag)?(,timezone)?(,external_id)?\r?\n"
_ONE_A_LINE = "One JSON object per line, with the fields of a client."

_CLIENT_BODY = json_body(
    ClientNew,
    full=Example("A client with a tag and a time zone", CLIENT_NEW),
    short=Example("A client with default values", CLIENT_SHORT),
)
_PHONE_TAKEN = "Another client has this phone, or this external id."

OPERATIONS: Mapping[Handler, Operation] = {
    clients.create: Operation(
        "createClient",
        "clients",
        "Adds one client to the directory. Only the phone is required. Mailings that start later can reach the "
        "client; a running mailing has a frozen audience. To add many clients, import them.",
        {201: success("The stored client.", Client, CLIENT, headers=("Location", "ETag"))},
        body=_CLIENT_BODY,
        errors={409: _PHONE_TAKEN},
    ),
    clients.listing: Operation(
        "listClients",
        "clients",
        "Lists clients by ascending id, page by page. Filters are ANDed.",
        {200: success("A page of clients.", Clients, CLIENTS, headers=("Link",))},
    ),
    imports.import_clients: Operation(
        "importClients",
        "clients",
        "Adds or updates clients from a file of any size, which is read as a stream. A bad line is counted and "
        "reported, and does not stop the import. Lines are stored in batches, one transaction each: after an "
        "interruption the stored batches stay, and the file can be sent again. A CSV must begin with a header line; "
        "without one the answer is 422. Quoted values may hold line breaks (RFC 4180), blanks around values are "
        "dropped, and a row without any value is passed over. The file may be compressed with gzip or deflate. Over "
        "1 GiB or 10 million lines are refused with 413; what came before was imported.",
        {200: success("The result of the import.", ImportReport, IMPORTED)},
        body=(
            text_content(CSV, _CSV_COLUMNS, CLIENTS_CSV, pattern=_CSV_HEADER),
            text_content(NDJSON, _ONE_A_LINE, CLIENTS_NDJSON),
            # Generators of clients know no CSV, and would leave the operation out.
            text_content(BYTES, f"A CSV as bytes. {_CSV_COLUMNS}", CLIENTS_CSV, format="binary", pattern=_CSV_HEADER),
        ),
        long_query=True,
    ),
    imports_inspect.inspect: Operation(
        "inspectImport",
        "clients",
        "Says how a CSV is written, as Excel and others write it: its encoding (UTF-8, UTF-16 or windows-1251), its "
        "delimiter, whether it has a header, what its columns seem to hold, and what must be done to its phones. "
        "`proposal` has the parameters with which POST /clients/import reads it. Nothing is stored. The first 4 MiB "
        "are looked at.",
        {200: success("How the file is written.", ImportInspection, INSPECTED)},
        body=(
            text_content(CSV, "A CSV, or its beginning.", CSV_OF_EXCEL),
            text_content(BYTES, "A CSV, or its beginning, as bytes.", CSV_OF_EXCEL, format="binary"),
        ),
    ),
    export.export_clients: Operation(
        "exportClients",
        "clients",
        "Streams all clients, or those that match the filters, in the format of the import. The Accept header selects "
        "CSV, which is the default, or NDJSON. If the connection closes before the answer ends, the export is "
        "incomplete.",
        {
            200: Success(
                "The clients, one per line.",
                (
                    text_content(CSV, _CSV_COLUMNS, CLIENTS_CSV),
                    text_content(NDJSON, _ONE_A_LINE, CLIENTS_NDJSON),
                ),
                ("Content-Disposition",),
            )
        },
    ),
    clients.show: Operation(
        "showClient",
        "clients",
        "Shows one client. A deleted client is not found.",
        {200: success("The client.", Client, CLIENT, headers=("ETag",))},
    ),
    clients.patch: Operation(
        "changeClient",
        "clients",
        "Changes the fields that are given and leaves the others. The change takes effect at once, also for messages "
        "that wait to be sent: they go to the new phone, and their window follows the new time zone.",
        {200: success("The changed client.", Client, CLIENT, headers=("ETag",))},
        body=patch_body(
            ClientPatch,
            tag=Example("A new tag", {"tag": "vip"}),
            name=Example("A new name, and no points any more", {"attributes": {"name": "Olga", "points": None}}),
        ),
        versioned=True,
        errors={409: _PHONE_TAKEN},
    ),
    clients.replace: Operation(
        "replaceClient",
        "clients",
        "Replaces every field of a client. A field that is left out gets its default, as for a new client. A client "
        "that does not exist is not created.",
        {200: success("The replaced client.", Client, CLIENT, headers=("ETag",))},
        body=_CLIENT_BODY,
        versioned=True,
        errors={409: _PHONE_TAKEN},
    ),
    clients.replace_by_external_id: Operation(
        "replaceClientByExternalId",
        "clients",
        "Replaces every field of the client that has this external id, or creates it: for other systems, which know "
        "their own ids and none of Herald's. A field that is left out gets its default.",
        {
            200: success("The replaced client.", Client, CLIENT, headers=("ETag",)),
            201: success("The created client.", Client, CLIENT, headers=("Location", "ETag")),
        },
        body=json_body(ClientNew, full=Example("A client with a name", CLIENT_BY_ID)),
        versioned=True,
        errors={409: _PHONE_TAKEN},
    ),
    clients.delete: Operation(
        "deleteClient",
        "clients",
        "Removes a client from the directory: phone, tags, attributes and external id are erased. Sending to the "
        "client stops at once: unsent messages are cancelled, and sent ones still count.",
        {204: NO_CONTENT},
        versioned=True,
    ),
    clients.events: Operation(
        "listClientEvents",
        "clients",
        "Lists the events of a client in time order: how it was added, changed and imported, and what became of its "
        "messages. A deleted client is not found.",
        {200: success("A page of events.", Events, CLIENT_EVENTS, headers=("Link",))},
    ),
}
