"""Takes receipts: reads them, queues them for the reporter, and answers as the provider wants it."""

from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from services.api.access.rate_limit import count_wrong_token
from services.api.receipts.mappings import RECEIPTS
from services.api.receipts.reading import ROOT, UnreadableReceipt, read_receipts
from services.api.web.bodies import expect_later, read_whole
from services.api.web.context import METRICS
from services.api.web.problems import HttpProblem, not_found
from shared import logs, topology
from shared.broker import Outgoing, Unpublished
from shared.messages import MAX_RECEIPTS, Receipt, Receipts, encode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_FIELDS = 2000

log = logs.get()


class BodyPublisher(Protocol):
    async def publish(self, outgoing: Outgoing) -> None: ...


RECEIPT_PUBLISHER = web.AppKey[BodyPublisher]("receipt_publisher")


def add(app: web.Application) -> None:
    """Adds the path of receipts, which belongs to the providers and not to the REST API."""
    for method in ("GET", "POST"):
        app.router.add_route(
            method, "/receipts/{provider:[a-z][a-z0-9_-]{0,31}}/{token}", receive, expect_handler=expect_later
        )


async def receive(request: web.Request) -> web.Response:
    """Answers once the broker has the receipts, without a look into the database.

    404 for a provider that sends none, or a wrong token; 422 for what its mapping does not fit; 503 while the broker
    is away, so that the provider tries again.
    """
    mapping = request.app[RECEIPTS].find(request.match_info["provider"], request.match_info["token"])
    if mapping is None:
        count_wrong_token(request)
        raise not_found("place for receipts")
    provider, metrics = mapping.provider, request.app[METRICS]
    try:
        receipts = read_receipts(mapping.config, await _fields(request))
    except UnreadableReceipt as error:
        metrics.receipts_refused.labels(provider, "unreadable").inc()
        log.warning("receipt unreadable", provider=provider, detail=str(error))
        raise HttpProblem("receipt-unreadable", f"The receipt cannot be read: {error}.") from None
    try:
        await _publish(request.app[RECEIPT_PUBLISHER], provider, receipts)
    except Unpublished as error:
        metrics.receipts_refused.labels(provider, "unqueued").inc()
        log.warning("receipts not queued", provider=provider, detail=str(error))
        raise HttpProblem(
            "broker-unavailable", "RabbitMQ is unavailable: send the receipt again.", headers={"Retry-After": "30"}
        ) from None
    metrics.receipts.labels(provider).inc(len(receipts))
    ids = [receipt.message_id for receipt in receipts if receipt.message_id is not None]
    log.info("receipts received", provider=provider, receipts=len(receipts), message_ids=ids)
    answer = mapping.config.answer
    return web.Response(status=answer.status, text=answer.text or None, content_type="text/plain")


async def _publish(publisher: BodyPublisher, provider: str, receipts: list[Receipt]) -> None:
    now = datetime.now(UTC)
    for first in range(0, len(receipts), MAX_RECEIPTS):
        body = Receipts(provider=provider, received_at=now, receipts=receipts[first : first + MAX_RECEIPTS])
        await publisher.publish(Outgoing(topology.RECEIPTS, topology.RECEIPT_KEY, encode(body)))


async def _fields(request: web.Request) -> dict[str, Any]:
    """Reads query, form and JSON as one set of fields. Raises UnreadableReceipt."""
    fields: dict[str, Any] = dict(request.query)
    body = await read_whole(request)
    if request.content_type == FORM:
        try:
            fields |= parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise UnreadableReceipt("too many fields") from None
    elif body:
        fields |= _json_fields(body)
    return fields


def _json_fields(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnreadableReceipt("the body is neither a form nor JSON") from None
    if isinstance(found, dict):
        return found
    if isinstance(found, list):
        return {ROOT: found}
    raise UnreadableReceipt("the body is neither an object nor a list")
