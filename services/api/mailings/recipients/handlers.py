"""POST /mailings/{id}/recipients: a file takes the place of a draft's filter, whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import orjson
from aiohttp import web

from services.api.audit.log import origin_of, record
from services.api.clients.handlers import DEFAULT_ZONE
from services.api.clients.import_.batch import BATCH, MAX_LINE_ERRORS
from services.api.clients.import_.csv_files.encodings import Transcoder
from services.api.clients.import_.errors import BadHeader, Rejected
from services.api.clients.import_.handler import refuse_excess
from services.api.clients.import_.lines import Line, LineSplitter
from services.api.clients.import_.phone_files import form_of
from services.api.clients.responses import LineError
from services.api.mailings import store as mailings
from services.api.mailings.decisions import allowed, lock_mailing
from services.api.mailings.recipients import store
from services.api.mailings.recipients.reader import CsvRecipients, NdjsonRecipients, Recipient
from services.api.mailings.recipients.responses import FileRecipient, FileRecipients, RecipientsReport
from services.api.mailings.recipients.schemas import RecipientsQuery
from services.api.mailings.recipients.store import RecipientColumns
from services.api.mailings.rules import judge_file
from services.api.stop_list.guard import KEY, share_stop_list
from services.api.web import pages
from services.api.web.bodies import chunks, require_type
from services.api.web.context import id_in, pool_of, query_of, zones_of
from services.api.web.negotiation import BYTES, CSV, NDJSON
from services.api.web.problems import InvalidValue, invalid, not_found
from services.api.web.queries import PageQuery
from services.api.web.reading.turns import TURNS
from services.api.web.responses import reply
from services.api.web.versions import Precondition
from shared import logs
from shared.database import retry_on_deadlock

KIND = "recipients"
TWICE = "phone: came earlier in the file"


@dataclass(slots=True)
class ReceivedFile:
    """A file that is being received: the batch at hand, and what became of the lines before it."""

    file_id: int
    batch: dict[str, Recipient] = field(default_factory=dict)
    stored: int = 0
    rejected: int = 0
    errors: list[LineError] = field(default_factory=list)

    def take(self, found: Recipient | Rejected) -> None:
        if isinstance(found, Rejected):
            self.reject(found.line, found.detail)
        elif found.phone in self.batch:
            self.reject(found.line, TWICE)
        else:
            self.batch[found.phone] = found

    def reject(self, line: int, detail: str) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_LINE_ERRORS:
            self.errors.append(LineError(line=line, detail=detail))

    def take_batch(self) -> RecipientColumns:
        """Returns the batch, and begins another."""
        rows, self.batch = list(self.batch.values()), {}
        return RecipientColumns([row.line for row in rows], [row.phone for row in rows], [row.given for row in rows])


async def receive(request: web.Request) -> web.Response:
    """Reads a file as a stream, in batches. Until all of it is there, the mailing keeps the audience that it had."""
    query, mailing_id = query_of(request, RecipientsQuery), id_in(request, "mailing")
    await _require_draft(request, mailing_id)
    received = await _read(request, query)
    if received.rejected and query.on_error == "refuse":
        errors = [InvalidValue(("body", error.line), error.detail) for error in received.errors]
        raise invalid(*errors)
    if not received.stored:
        raise invalid(InvalidValue(("body",), "has no recipients"))
    await retry_on_deadlock(lambda: _attach(request, mailing_id, received))
    logs.get().info("recipients received", recipients=received.stored, rejected=received.rejected)
    return reply(RecipientsReport(recipients=received.stored, rejected=received.rejected, errors=received.errors))


async def listing(request: web.Request) -> web.Response:
    """Lists the recipients of a mailing's file, page by page."""
    query, mailing_id = query_of(request, PageQuery), id_in(request, "mailing")
    after = pages.position(query, KIND, start=0)
    if not await mailings.exists(pool_of(request), mailing_id):
        raise not_found("mailing")
    found = await store.page(pool_of(request), mailing_id, after=after, limit=query.limit + 1)
    rows, following = pages.cut(found, query.limit, KIND, lambda row: row.client_id)
    items = [
        FileRecipient(client_id=row.client_id, line=row.line, phone=row.phone, values=orjson.loads(row.given))
        for row in rows
    ]
    return pages.reply_page(request, FileRecipients(items=items, next=following), following)


async def _require_draft(request: web.Request, mailing_id: int) -> None:
    """Refuses at once what would be refused after the whole file was sent."""
    async with pool_of(request).acquire() as connection, connection.transaction():
        allowed(judge_file(await lock_mailing(connection, mailing_id, Precondition(request))))


async def _read(request: web.Request, query: RecipientsQuery) -> ReceivedFile:
    media, zones = require_type(request, (CSV, NDJSON, BYTES)), zones_of(request)
    form = form_of(query, query.map, request.app[DEFAULT_ZONE])
    reader = NdjsonRecipients(zones) if media == NDJSON else CsvRecipients(zones, form)
    received = ReceivedFile(await store.open_file(pool_of(request)))
    turns, lines, size, transcoder = request.app[TURNS], LineSplitter(), 0, Transcoder(form.encoding)
    try:
        async for chunk in chunks(request):
            size += len(chunk)
            await turns.run(_take(received, reader, lines, lines.feed(transcoder.feed(chunk))))
            refuse_excess(size, lines.number, "Nothing was stored.")
            if len(received.batch) >= BATCH:
                await _store(request, received)
        await turns.run(_take(received, reader, lines, lines.feed(transcoder.end())))
        await turns.run(_take(received, reader, lines, lines.end()))
        await turns.run(_take_all(received, reader.end()))
    except BadHeader as error:
        raise invalid(InvalidValue(("body",), str(error))) from None
    if received.batch:
        await _store(request, received)
    return received


def _take(
    received: ReceivedFile, reader: CsvRecipients | NdjsonRecipients, splitter: LineSplitter, lines: Iterator[Line]
) -> Iterator[None]:
    for line in lines:
        yield from _take_all(received, reader.read(line))
        splitter.keep_blank = reader.within_quotes
        yield


def _take_all(received: ReceivedFile, found: Iterator[Recipient | Rejected]) -> Iterator[None]:
    for one in found:
        received.take(one)
        yield


async def _store(request: web.Request, received: ReceivedFile) -> None:
    columns = received.take_batch()

    async def work() -> set[int]:
        async with pool_of(request).acquire() as connection, connection.transaction():
            hashes = await share_stop_list(connection, request.app[KEY], columns.phones)
            return await store.add(connection, received.file_id, columns, request.app[DEFAULT_ZONE], hashes)

    added = await retry_on_deadlock(work)
    received.stored += len(added)
    for line in columns.lines:
        if line not in added:
            received.reject(line, TWICE)


async def _attach(request: web.Request, mailing_id: int, received: ReceivedFile) -> None:
    """Has the file take the place of the filter, or of an earlier file."""
    async with pool_of(request).acquire() as connection, connection.transaction():
        locked = await lock_mailing(connection, mailing_id, Precondition(request))
        plan = replace(allowed(judge_file(locked)), file_id=received.file_id, recipients=received.stored)
        await mailings.edit(connection, mailing_id, plan, window_changed=False)
        await record(connection, mailing_id, "updated", origin_of(request), fields=["recipients"])
