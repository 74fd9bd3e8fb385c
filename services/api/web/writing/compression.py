"""Compresses large answers for callers that accept gzip."""

import asyncio
import gzip

from aiohttp import web
from aiohttp.typedefs import Handler

from services.api.web.negotiation import takes_gzip

# Below this size the headers are most of an answer.
MIN_BYTES = 1024
# Compressing more than this in the event loop would delay other requests.
LARGE_BYTES = 128 * 1024
# Nearly as small as the highest level, in a third of the time.
LEVEL = 4


@web.middleware
async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Compresses an answer that is in memory. Streams are compressed while they are written: see compress_stream."""
    response = await handler(request)
    if not isinstance(response, web.Response) or response.prepared:
        return response
    body = response.body
    if isinstance(body, bytes) and len(body) >= MIN_BYTES and wanted(request):
        response.headers["Content-Encoding"] = "gzip"
        response.body = await _compressed(body)
    return response


def compress_stream(request: web.Request, response: web.StreamResponse) -> None:
    """Enables compression of a stream, if the caller accepts it. Call it before the response is prepared.

    The answer to HEAD has the header alone: a compressor would write its trailer, which is no part of any answer.
    """
    if not wanted(request):
        return
    if request.method == "HEAD":
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.enable_compression(web.ContentCoding.gzip)


def wanted(request: web.Request) -> bool:
    return takes_gzip(request.headers.get("Accept-Encoding"))


async def _compressed(body: bytes) -> bytes:
    if len(body) < LARGE_BYTES:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
