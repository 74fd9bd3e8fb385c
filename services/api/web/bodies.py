"""Reads request bodies, within limits of type, size and time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from services.api.web.context import LOG_FIELDS, timeouts_of, zones_of
from services.api.web.negotiation import JSON
from services.api.web.observing.request_log import redact_fields
from services.api.web.problems import HttpProblem
from services.api.web.reading.decompression import (
    ACCEPTED,
    MOST_RATIO,
    PIECE,
    Decompressor,
    Inflated,
    Undecodable,
    is_accepted,
)
from services.api.web.reading.parsing import parse_body
from services.api.web.shares import aside

MERGE_PATCH = "application/merge-patch+json"
# A mailing with the longest text and 1,000 of the longest tags, all written as escapes, still fits.
MAX_BODY = 1024 * 1024


class BodyModel(BaseModel):
    """The base of bodies. Fields with a default may be left out; model_fields_set names those that were given."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


BodyT = TypeVar("BodyT", bound=BodyModel)

# The model of the body, as the row of the route table names it.
BODY_MODEL = web.RequestKey[type[BodyModel] | None]("body_model")


async def read_body(request: web.Request, kind: type[BodyT]) -> BodyT:
    """Reads a JSON body. Raises problems: 415, 413, 408, 400, and 422 for wrong values.

    `kind` must be the model that the route table names.
    """
    if request[BODY_MODEL] is not kind:
        raise TypeError(f"the route table names {request[BODY_MODEL]}, the handler wants {kind}")
    offers = (JSON, MERGE_PATCH) if request.method == "PATCH" else (JSON,)
    require_type(request, offers)
    zones = zones_of(request)
    body = parse_body(kind, await read_whole(request), zones)
    request[LOG_FIELDS]["body"] = redact_fields(body)
    return body


def require_type(request: web.Request, types: Sequence[str]) -> str:
    """Returns the media type of the body. Raises a 415 problem unless it is one of `types`, in UTF-8."""
    charset = (request.charset or "utf-8").lower()
    if request.content_type not in types or charset not in {"utf-8", "utf8"}:
        detail = f"Send the body as {' or '.join(types)}, in UTF-8."
        raise HttpProblem("media-type-unsupported", detail, headers={"Accept": ", ".join(types)})
    return request.content_type


async def read_whole(request: web.Request) -> bytes:
    """Reads a body of at most MAX_BODY bytes. Raises problems: 413 for a larger one, 415, 408 and 400."""
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    if request.content.is_eof():
        return await _read_to_end(request)
    async with aside(request):
        return await _read_to_end(request)


async def _read_to_end(request: web.Request) -> bytes:
    whole = bytearray()
    async with _in_time(request):
        async for chunk in chunks(request):
            whole += chunk
            if len(whole) > MAX_BODY:
                raise _too_large()
    return bytes(whole)


def _too_large() -> HttpProblem:
    return HttpProblem("body-too-large", f"The body may have {MAX_BODY} bytes at most, counted after decompression.")


async def chunks(request: web.Request) -> AsyncIterator[bytes]:
    """Reads a body of any length piece by piece, and decompresses it.

    Raises problems: 415 for an encoding other than gzip and deflate, 400 for data that is broken or incomplete, 413 for
    data that grows too much, and 408.
    """
    decompressor = _decompressor(request)
    while True:
        async with reading(request):
            chunk = await request.content.read(PIECE)
        if decompressor is None:
            if chunk:
                yield chunk
        else:
            for piece in _decompress(decompressor, chunk):
                yield piece
        if not chunk:
            return


def _decompressor(request: web.Request) -> Decompressor | None:
    encoding = ",".join(request.headers.getall("Content-Encoding", ())).strip().lower()
    if encoding in {"", "identity"}:
        return None
    if not is_accepted(encoding):
        accepted = " or ".join(ACCEPTED)
        detail = f"Send the body as it is, or compressed with {accepted} once."
        raise HttpProblem("encoding-unsupported", detail, headers={"Accept-Encoding": ", ".join(ACCEPTED)})
    return Decompressor(encoding)


def _decompress(decompressor: Decompressor, chunk: bytes) -> Iterator[bytes]:
    """Decompresses a chunk; an empty one is the end of the body."""
    try:
        if chunk:
            yield from decompressor.feed(chunk)
        else:
            decompressor.end()
    except Undecodable as error:
        raise HttpProblem("malformed-body", f"The body cannot be decompressed: {error}.") from None
    except Inflated:
        detail = f"The body grows to over {MOST_RATIO} times its size when it is decompressed. Send it uncompressed."
        raise HttpProblem("body-too-large", detail) from None


@asynccontextmanager
async def reading(request: web.Request) -> AsyncIterator[None]:
    """Turns errors of reading a body into problems."""
    try:
        async with _in_time(request):
            await _invite(request)
            yield
    except (web.RequestPayloadError, ConnectionError):
        raise HttpProblem("malformed-body", "The body is malformed or ended early.") from None


@asynccontextmanager
async def _in_time(request: web.Request) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeouts_of(request).body):
            yield
    except TimeoutError:
        raise HttpProblem("body-late", "The body did not arrive in time.") from None


async def expect_later(_: web.Request) -> None:
    """Defers the answer to Expect: 100-continue until the body is read: see _invite."""


async def _invite(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() == "100-continue" and not request.get(_INVITED, False):
        request[_INVITED] = True
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The actual answer has not begun.
        request.writer.output_size = 0


_INVITED = web.RequestKey("invited", bool)
