"""The span of a request has its route and its status, whatever becomes of it, and nothing that a caller wrote."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.api.web.context import REQUEST_ID
from services.api.web.spans import trace_requests, traceparent_of
from shared.tracing.spans import Attributes, SpanKind

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OWN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"
PHONE = "79001112233"
ROUTE = "/api/v1/clients/by-external-id/{external_id}"


@dataclass
class RecordedSpan:
    """A span that remembers how it was begun and ended."""

    name: str
    parent: str | None
    attributes: dict[str, str | int | bool]
    error: str | None = None
    ended: bool = False
    traceparent: str | None = OWN

    def end(self, attributes: Attributes | None = None, *, error: str | None = None) -> None:
        self.attributes |= attributes or {}
        self.error, self.ended = error, True


@dataclass
class RecordingTools:
    """Tools that keep the spans they make."""

    spans: list[RecordedSpan] = field(default_factory=list)

    def begin(
        self,
        name: str,
        kind: SpanKind,
        *,
        parent: str | None = None,
        links: Sequence[str | None] = (),
        ago: float = 0.0,
        attributes: Attributes | None = None,
    ) -> RecordedSpan:
        self.spans.append(RecordedSpan(name, parent, dict(attributes or {})))
        return self.spans[-1]

    def close(self) -> None:
        """Does nothing."""


async def answer(request: web.Request) -> web.Response:
    request[REQUEST_ID] = "the-request"
    return web.Response(text=str(traceparent_of(request)))


async def fail(_: web.Request) -> web.Response:
    raise web.HTTPGone


async def ask(path: str) -> tuple[str, list[RecordedSpan]]:
    tools = RecordingTools()
    app = web.Application(middlewares=[trace_requests(tools)])
    app.router.add_get(ROUTE, answer)
    app.router.add_get("/api/v1/failing", fail)
    app.router.add_get("/docs/", answer)
    async with TestClient(TestServer(app)) as client, client.get(path, headers={"traceparent": CALLER}) as reply:
        return await reply.text(), tools.spans


async def test_a_span_continues_the_trace_of_the_caller_and_names_no_phone() -> None:
    context, [span] = await ask(f"/api/v1/clients/by-external-id/{PHONE}?phone={PHONE}")
    assert context == OWN
    assert (span.name, span.parent, span.error, span.ended) == (f"GET {ROUTE}", CALLER, None, True)
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["herald.request_id"] == "the-request"
    assert PHONE not in str(span)


async def test_the_span_of_a_request_that_fails_ends_with_its_error() -> None:
    _, [span] = await ask("/api/v1/failing")
    assert (span.error, span.ended) == ("HTTPGone", True)


@pytest.mark.parametrize("path", ["/docs/", "/nothing"])
async def test_pages_have_no_span(path: str) -> None:
    _, spans = await ask(path)
    assert spans == []
