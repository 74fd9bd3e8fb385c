"""POST /clients/import/inspect: says how a file is written and proposes how to import it. Stores nothing."""

from aiohttp import web

from services.api.clients.import_.csv_files.inspection import HEAD, FileForm, Inspection, NoText, recognise_form
from services.api.clients.import_.csv_files.targets import write_map
from services.api.clients.import_.responses import (
    ImportInspection,
    InspectedColumn,
    InspectedPhones,
    ProposedImport,
    RefusedPhones,
)
from services.api.web.bodies import chunks, require_type
from services.api.web.negotiation import BYTES, CSV
from services.api.web.problems import InvalidValue, invalid
from services.api.web.reading.turns import TURNS
from services.api.web.responses import reply

# What is looked at: some hundred thousand lines. The rest of a larger file is received and dropped.
MOST_BYTES = 4 * 1024 * 1024


async def inspect(request: web.Request) -> web.Response:
    """Reads the first 4 MiB of a CSV in any encoding and form that the import knows."""
    require_type(request, (CSV, BYTES))
    body, size = bytearray(), 0
    async for chunk in chunks(request):
        size += len(chunk)
        body += chunk[: MOST_BYTES - len(body)]
    if not body.strip():
        raise invalid(InvalidValue(("body",), "is empty"))
    try:
        inspection = Inspection(recognise_form(bytes(body[:HEAD])))
    except NoText:
        raise invalid(
            InvalidValue(("body",), "is no CSV in UTF-8, UTF-16 or windows-1251: save it as a CSV in UTF-8")
        ) from None
    await request.app[TURNS].run(inspection.read(bytes(body)))
    return reply(present(inspection, complete=size <= MOST_BYTES))


def present(inspection: Inspection, *, complete: bool) -> ImportInspection:
    """Describes an inspected file, and proposes how to import it."""
    form, counted = inspection.form, inspection.phones
    headings = form.header or [""] * len(form.targets)
    columns = [
        InspectedColumn(heading=heading[:200], target=target, filled=filled, samples=samples)
        for heading, target, filled, samples in zip(
            headings, form.targets, inspection.filled, inspection.samples, strict=False
        )
    ]
    return ImportInspection(
        encoding=form.encoding,
        delimiter=form.delimiter,
        header=form.header is not None,
        columns=columns,
        rows=inspection.rows,
        uneven=inspection.uneven,
        unreadable=inspection.unreadable,
        complete=complete,
        phones=InspectedPhones(
            as_is=counted.as_is,
            repairable=counted.repairable,
            empty=counted.empty,
            repeated=counted.repeated,
            refused=[RefusedPhones(detail=detail, count=count) for detail, count in counted.refused.most_common()],
        ),
        proposal=_propose(form, repair=counted.repairable > 0),
    )


def _propose(form: FileForm, *, repair: bool) -> ProposedImport:
    return ProposedImport(
        encoding=form.encoding,
        delimiter=form.delimiter,
        header=form.header is not None,
        map=write_map(form.targets) if "phone" in form.targets else None,
        phones="repair" if repair else "strict",
    )
