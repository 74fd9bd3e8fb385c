"""Describes the operation on files of the stop list for the API's document."""

from collections.abc import Mapping

from services.api.stop_list.api_docs import KEY_MISSING
from services.api.stop_list.responses import SuppressionImport
from services.api.stop_list_files import handlers as files
from services.api.web.negotiation import BYTES, CSV
from services.api.web.operation import Json, Operation, success, text_content
from services.api.web.route import Handler

PHONES_CSV = "phone,reason\n79161234567,asked by phone\n79031234568,\n"
IMPORTED: Json = {
    "added": 2,
    "present": 0,
    "repeated": 0,
    "rejected": 1,
    "errors": [{"line": 4, "detail": "must be 7 and ten more digits, without a plus sign, such as 79161234567"}],
}

OPERATIONS: Mapping[Handler, Operation] = {
    files.import_phones: Operation(
        "importSuppressions",
        "suppressions",
        "Puts the phones of a CSV on the stop list. The file is read as a stream, and stored in batches; a bad line is "
        "counted and reported, and stops nothing. The first line names the columns, phone and if wanted reason, or "
        "`map` does. POST /clients/import/inspect says how a file of another program is written.",
        {200: success("The result of the import.", SuppressionImport, IMPORTED)},
        body=(
            text_content(
                CSV, "The columns phone and, if wanted, reason.", PHONES_CSV, pattern=r"^phone(,reason)?\r?\n"
            ),
            text_content(
                BYTES,
                "A CSV as bytes. The columns phone and, if wanted, reason.",
                PHONES_CSV,
                format="binary",
                pattern=r"^phone(,reason)?\r?\n",
            ),
        ),
        errors={503: KEY_MISSING},
        long_query=True,
    ),
}
