"""POST /suppressions/import: puts the phones of a file on the stop list."""

from aiohttp import web

from services.api.audit.log import origin_of, record_other
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.clients.import_.errors import BadHeader
from services.api.clients.import_.phone_files import form_of
from services.api.edits.barrier import pass_barrier
from services.api.edits.scope import MOST_CLIENTS, EditScope
from services.api.stop_list.adding import add_phones
from services.api.stop_list.guard import key_of
from services.api.stop_list.keys import StopListKey
from services.api.stop_list.responses import SuppressionImport
from services.api.stop_list.store import AddedPhones
from services.api.stop_list_files.file import BATCH, PhoneFile
from services.api.stop_list_files.schemas import SuppressionImportQuery
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
    file, added, present, concerned = PhoneFile(zones_of(request), form, query.reason), 0, 0, set[int]()
    try:
        async for chunk in chunks(request):
            await turns.run(file.feed(chunk))
            while len(file.read) >= BATCH:
                made, size = await _store(request, key, file)
                added, present = added + made.added, present + size - made.added
                concerned.update(made.client_ids[: MOST_CLIENTS + 1 - len(concerned)])
        await turns.run(file.end())
        while file.read:
            made, size = await _store(request, key, file)
            added, present = added + made.added, present + size - made.added
            concerned.update(made.client_ids[: MOST_CLIENTS + 1 - len(concerned)])
    except BadHeader as error:
        raise invalid(InvalidValue(("body",), str(error))) from None
    finally:
        # Also after a refusal: the batches before it are stored.
        if added:
            await record_other(pool_of(request), "stop_list_added", origin_of(request), source="file", added=added)
        if concerned:
            await pass_barrier(request, EditScope.of_clients(concerned))
    log.info("stop list imported", added=added, present=present, rejected=file.rejected)
    report = SuppressionImport(added=added, present=present, rejected=file.rejected, errors=file.errors)
    return reply(report)


async def _store(request: web.Request, key: StopListKey, file: PhoneFile) -> tuple[AddedPhones, int]:
    batch = file.take()
    return await add_phones(pool_of(request), key, batch, "file", origin_of(request)), len(batch)
