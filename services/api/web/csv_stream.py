"""Streams long answers in constant memory: blocks of rows, written as they are read."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from aiohttp import web

from services.api.web.compression import compress_stream
from services.api.web.context import timeouts_of
from services.api.web.negotiation import CSV
from shared import logs

# Rows read and written at a time. Each block is a query of its own, so that a slow reader holds no connection.
BLOCK = 1000


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


def csv_block(fields: Sequence[str], rows: Iterable[dict[str, object]], *, header: bool) -> bytes:
    """Encodes rows as CSV (RFC 4180)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields)
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
