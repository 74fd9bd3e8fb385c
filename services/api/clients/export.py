"""GET /clients/export: streams the directory in the format of the import."""

import csv
import io
from collections.abc import AsyncGenerator, Iterator, Sequence

import orjson
from aiohttp import web

from services.api.access.places import EXPORTS
from services.api.audit import log as audit
from services.api.clients import store
from services.api.clients.responses import Client
from services.api.clients.schemas import ExportQuery
from services.api.web.context import pool_of, query_of
from services.api.web.negotiation import CSV, NDJSON, choose
from services.api.web.reading.turns import TURNS, Turns
from services.api.web.writing.csv_stream import CsvTable, block_of, join, stream
from shared.database import Pool

# What an import takes again, and with the id, for people and other systems.
FIELDS = ("phone", "operator_code", "tag", "timezone", "tags", "external_id", "attributes")
WITH_ID = ("id", *FIELDS)


async def export_clients(request: web.Request) -> web.StreamResponse:
    query = query_of(request, ExportQuery)
    media = choose(request.headers.get("Accept"), (CSV, NDJSON))
    filename = "clients.csv" if media == CSV else "clients.ndjson"
    with request.app[EXPORTS].take(request):
        await audit.record_export(request, pool_of(request), "clients")
        blocks = _blocks(pool_of(request), request.app[TURNS], query, media, block_of(request))
        return await stream(request, media, filename, blocks)


async def _blocks(pool: Pool, turns: Turns, query: ExportQuery, media: str, size: int) -> AsyncGenerator[bytes]:
    fields = WITH_ID if query.spreadsheet or query.with_id else FIELDS
    table, after = CsvTable(fields, query.spreadsheet), 0
    head = table.header() if media == CSV else b""
    while True:
        found = await store.page(
            pool,
            phone=query.phone,
            operator_code=query.operator_code,
            tag=query.tag,
            after=after,
            limit=size,
            external_id=query.external_id,
            part=query.q,
        )
        # The header comes with the first rows, so that an outage of the database can still be answered with a problem.
        encoded, last = head + await join(turns, _encode(found, media, table)), len(found) < size
        head = b""
        after = 0 if last else store.place_of(found[-1], query.q)
        # The rows take ten times the memory of the block, which may wait for its reader.
        del found
        yield encoded
        if last:
            return


def _encode(found: Sequence[Client], media: str, table: CsvTable) -> Iterator[bytes]:
    if media == CSV:
        return table.rows(_cells(client) for client in found)
    return (client.model_dump_json(include=set(FIELDS)).encode() + b"\n" for client in found)


def _cells(client: Client) -> dict[str, object]:
    """Returns a client as a CSV has it: tags as a list within the cell, attributes as JSON."""
    return {
        **client.model_dump(),
        "tags": _tag_list(client.tags) if client.tags else "",
        "attributes": orjson.dumps(client.attributes).decode() if client.attributes else "",
    }


def _tag_list(tags: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(tags)
    return text.getvalue()
