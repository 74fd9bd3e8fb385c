"""POST /suppressions/import: puts the phones of a file on the stop list."""

from aiohttp import web

from services.api.audit.log import origin_of, record_other
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.clients.import_.errors import BadHeader
from services.api.clients.import_.handler import refuse_excess
from services.api.clients.import_.phone_files import form_of
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import MOST_CLIENTS, EditScope
from services.api.stop_list.adding import add_phones
from services.api.stop_list.guard import key_of
from services.api.stop_list.responses import SuppressionImport
from services.api.stop_list_files.file import BATCH, PhoneFile
from services.api.stop_list_files.schemas import SuppressionImportQuery
from services.api.stop_list_files.tally import EntryTally
from services.api.web.bodies import chunks, require_type
from services.api.web.context import pool_of, query_of, zones_of
from services.api.web.negotiation import BYTES, CSV
from services.api.web.problems import InvalidValue, invalid
from services.api.web.reading.turns import TURNS
from services.api.web.responses import reply
from shared import logs

log = logs.get()


async def import_phones(request: web.Request) -> web.Response:
    """Adds the phones of a CSV, which is read as a stream and stored in batches."""
    require_type(request, (CSV, BYTES))
    query, key, turns = query_of(request, SuppressionImportQuery), key_of(request), request.app[TURNS]
    form = form_of(query, query.map, request.app[DEFAULT_ZONE])
    file, tally, concerned, size = PhoneFile(zones_of(request), form, query.reason), EntryTally(), set[int](), 0

    async def store_batch() -> None:
        made = await add_phones(pool_of(request), key, file.take(), "file", origin_of(request))
        tally.count(made.ids, made.added)
        concerned.update(made.client_ids[: MOST_CLIENTS + 1 - len(concerned)])

    try:
        async for chunk in chunks(request):
            size += len(chunk)
            await turns.run(file.feed(chunk))
            refuse_excess(size, file.lines, "What came before was added.")
            while len(file.read) >= BATCH:
                await store_batch()
        await turns.run(file.end())
        while file.read:
            await store_batch()
    except BadHeader as error:
        raise invalid(InvalidValue(("body",), str(error))) from None
    finally:
        # Also after a refusal: the batches before it are stored.
        if tally.added:
            detail = {"source": "file", "added": tally.added}
            await record_other(pool_of(request), "stop_list_added", origin_of(request), **detail)
        if concerned:
            await pass_barrier(request, EditScope.of_clients(concerned))
    repeated = file.repeated + tally.repeated
    counts = {"added": tally.added, "present": tally.present, "repeated": repeated, "rejected": file.rejected}
    log.info("stop list imported", **counts)
    return reply(SuppressionImport(**counts, errors=file.errors))
