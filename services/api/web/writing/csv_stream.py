"""Streams long answers in constant memory: blocks of rows, written as they are read."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Literal

from aiohttp import web

from services.api.web.context import timeouts_of
from services.api.web.negotiation import CSV
from services.api.web.reading.turns import Turns
from services.api.web.writing.compression import compress_stream
from shared import logs

# Rows read and written at a time. Each block is a query of its own, so that a slow reader holds no connection; reading
# its rows, which is no part of a turn, takes about 1 ms.
BLOCK = 200
_BOM = b"\xef\xbb\xbf"
# Some spreadsheets take the wide forms, too.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def block_of(request: web.Request) -> int:
    """Returns how many rows to read at a time. HEAD needs none: one shows whether the database has an answer."""
    return 1 if request.method == "HEAD" else BLOCK


async def stream(request: web.Request, media: str, filename: str, blocks: AsyncGenerator[bytes]) -> web.StreamResponse:
    """Answers with blocks. An error before the first block is raised; a later one aborts the connection.

    The reader notices an aborted chunked answer; one that ended properly would look complete.
    """
    async with aclosing(blocks):
        return await _stream(request, media, filename, blocks)


async def _stream(request: web.Request, media: str, filename: str, blocks: AsyncGenerator[bytes]) -> web.StreamResponse:
    block = await anext(blocks)
    charset = "; charset=utf-8; header=present" if media == CSV else "; charset=utf-8"
    headers = {"Content-Type": media + charset, "Content-Disposition": f'attachment; filename="{filename}"'}
    response = web.StreamResponse(headers=headers)
    compress_stream(request, response)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await _write(request, response, block)
        # A caller that does not read holds one block in memory, not two.
        del block
        async for following in blocks:
            await _write(request, response, following)
            del following
        await response.write_eof()
    except Exception as error:
        logs.get().warning("download aborted", kind=type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _write(request: web.Request, response: web.StreamResponse, block: bytes) -> None:
    """Writes a block. Raises TimeoutError when the caller does not read."""
    async with asyncio.timeout(timeouts_of(request).reader):
        await response.write(block)


class CsvTable:
    """Encodes rows as CSV: RFC 4180, or as a spreadsheet opens it without a question.

    Spreadsheets run a cell that begins with = + - @ as a formula. An apostrophe before it keeps it a text.
    """

    def __init__(self, fields: Sequence[str], spreadsheet: Literal["excel"] | None = None) -> None:
        self._fields = fields
        self._excel = spreadsheet is not None

    def header(self) -> bytes:
        """Encodes the names of the columns, for Excel after a byte order mark."""
        return (_BOM if self._excel else b"") + b"".join(self._encode([self._fields]))

    def rows(self, rows: Iterable[Mapping[str, object]]) -> Iterator[bytes]:
        """Encodes rows by the names of their columns, one at a time."""
        return self._encode([row[field] for field in self._fields] for row in rows)

    def _encode(self, lines: Iterable[Sequence[object]]) -> Iterator[bytes]:
        text = io.StringIO()
        write = csv.writer(text, delimiter=";" if self._excel else ",").writerow
        for line in lines:
            write([_guard(cell) for cell in line] if self._excel else line)
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()


async def join(turns: Turns, parts: Iterable[bytes]) -> bytes:
    """Joins parts that are made on the way, in turns with the other work of the process."""
    made = list[bytes]()
    await turns.run(made.append(part) for part in parts)  # type: ignore[func-returns-value]
    return b"".join(made)


def _guard(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell
