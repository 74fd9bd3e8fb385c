"""Spans by OpenTelemetry's SDK, sent to a collector by OTLP over HTTP. Imported only while tracing is on."""

import logging
import threading
import time
from collections.abc import Sequence
from uuid import uuid4

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from shared import logs
from shared.tracing.spans import Attributes, SpanKind
from shared.tracing.traceparent import is_traceparent

CLOSING_SECONDS = 2.0
NANOSECONDS = 1_000_000_000
KINDS: dict[SpanKind, trace.SpanKind] = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}


class _ExportedSpan:
    """A span of the SDK."""

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01" if context.trace_flags.sampled else None

    def end(self, attributes: Attributes | None = None, *, error: str | None = None) -> None:
        if attributes:
            self._span.set_attributes(attributes)
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class _ExportingTools:
    """The tracer of this process, whose spans leave in batches from a thread of the SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("herald")

    def begin(
        self,
        name: str,
        kind: SpanKind,
        *,
        parent: str | None = None,
        links: Sequence[str | None] = (),
        ago: float = 0.0,
        attributes: Attributes | None = None,
    ) -> _ExportedSpan:
        # A context of its own: nothing is taken from what happens to run around it.
        context, above = Context(), _read(parent)
        if above is not None:
            context = trace.set_span_in_context(NonRecordingSpan(above), context)
        span = self._tracer.start_span(
            name,
            context,
            KINDS[kind],
            attributes,
            [Link(linked) for linked in map(_read, links) if linked is not None],
            time.time_ns() - round(ago * NANOSECONDS),
        )
        return _ExportedSpan(span)

    def close(self) -> None:
        # The SDK waits far longer for a collector that is away. Its thread is a daemon, and ends with the process.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)


def _read(traceparent: str | None) -> SpanContext | None:
    """Reads a traceparent; None for what is not one, as of a caller who made it up."""
    if traceparent is None or not is_traceparent(traceparent):
        return None
    _, trace_id, span_id, flags = traceparent.split("-")[:4]
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


class _SummedWarnings(logging.Handler):
    """A handler that logs complaints of the SDK once a minute: a collector that is away is no error of Herald's."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = logs.RepeatedCauses()

    def emit(self, record: logging.LogRecord) -> None:
        # The text of the SDK, without its arguments, which quote the moment or the try.
        if times := self._repeats.count(str(record.msg)):
            detail = record.getMessage()[: logs.LONGEST_DETAIL]
            logs.get().warning("spans not exported", detail=detail, times=times)


def start(service: str) -> _ExportingTools:
    """Begins to export the spans of a process. The SDK reads where to, and what share, from OTEL_* variables."""
    library = logging.getLogger("opentelemetry")
    library.handlers, library.propagate = [_SummedWarnings()], False
    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say is stronger.
    named = {SERVICE_NAME: f"herald-{service}", SERVICE_NAMESPACE: "herald", SERVICE_INSTANCE_ID: str(uuid4())}
    resource = Resource.create({**named, **OTELResourceDetector().detect().attributes})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    logs.get().info("tracing is on", sampler=provider.sampler.get_description())
    return _ExportingTools(provider)
