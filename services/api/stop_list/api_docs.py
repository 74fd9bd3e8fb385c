"""Describes the operations on the stop list for the API's document."""

from collections.abc import Mapping

from services.api.stop_list import handlers as stop_list
from services.api.stop_list.responses import Suppression, Suppressions
from services.api.stop_list.schemas import SuppressionNew
from services.api.web.negotiation import CSV
from services.api.web.operation import (
    MADE_AT,
    NO_CONTENT,
    Example,
    Json,
    Operation,
    Success,
    json_body,
    success,
    text_content,
)
from services.api.web.route import Handler

SUPPRESSION: Json = {
    "id": 1,
    "client_id": 1,
    "phone": "79161234567",
    "reason": "asked by phone",
    "source": "api",
    "since": MADE_AT,
    "added_by": "env:admin",
}
_EXPORTED_CSV = (
    "id,client_id,phone,reason,source,since,added_by\n1,1,79161234567,asked by phone,api,2026-11-20T09:00:00Z,ops\n"
)
KEY_MISSING = "HERALD_STOP_LIST_KEY is missing, or is not the key under which the list was written."

OPERATIONS: Mapping[Handler, Operation] = {
    stop_list.create: Operation(
        "suppressPhone",
        "suppressions",
        "Puts a phone on the stop list. Whoever has it gets nothing from then on, whatever file the phone comes back "
        "in: sending stops at once, and unsent messages are cancelled with the reason opted out. The list keeps a "
        "keyed hash and no phone, so it outlives the client. A phone that is on it is answered with 200, and stays as "
        "it was.",
        {
            201: success("The new entry.", Suppression, SUPPRESSION, headers=("Location",)),
            200: success("The entry that is there.", Suppression, SUPPRESSION),
        },
        body=json_body(
            SuppressionNew,
            full=Example("A phone with a reason", {"phone": "79161234567", "reason": "asked by phone"}),
        ),
        errors={503: KEY_MISSING},
    ),
    stop_list.listing: Operation(
        "listSuppressions",
        "suppressions",
        "Lists the stop list by ascending id, page by page.",
        {
            200: success(
                "A page of the stop list.", Suppressions, {"items": [SUPPRESSION], "next": None}, headers=("Link",)
            )
        },
    ),
    stop_list.export: Operation(
        "exportSuppressions",
        "suppressions",
        "Streams the stop list as CSV. A phone is there only for those who are in the directory.",
        {
            200: Success(
                "The stop list, one entry per line.",
                (text_content(CSV, "The entries.", _EXPORTED_CSV),),
                ("Content-Disposition",),
            )
        },
    ),
    stop_list.show: Operation(
        "showSuppression",
        "suppressions",
        "Shows an entry of the stop list.",
        {200: success("The entry.", Suppression, SUPPRESSION)},
    ),
    stop_list.remove: Operation(
        "removeSuppression",
        "suppressions",
        "Removes an entry of the stop list, which only an admin may do, and records that. Mailings that start later "
        "reach the phone again; messages that were cancelled stay so until they are sent again.",
        {204: NO_CONTENT},
    ),
}
