"""Traces of requests and messages, as OpenTelemetry's spans. Off, and nothing imported, unless a collector is set.

The variables are OpenTelemetry's own: OTEL_EXPORTER_OTLP_ENDPOINT switches it on. docs/operations.md explains the rest.
"""

from collections.abc import Mapping

from shared import logs
from shared.tracing.spans import SpanKind, SpanTools, TraceSpan
from shared.tracing.traceparent import HEADER, LIST_HEADER, headers_of, join_traceparents, kept, split_traceparents

__all__ = [
    "HEADER",
    "LIST_HEADER",
    "SpanKind",
    "SpanTools",
    "TraceSpan",
    "close",
    "configure",
    "get",
    "headers_of",
    "join_traceparents",
    "kept",
    "split_traceparents",
]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
INSTALL = "pip install 'herald[tracing]'"

# Of this process, like its logger: None while nothing is traced.
_tools: dict[str, SpanTools] = {}


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Returns whether OpenTelemetry's variables ask for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER") or "otlp"
    return exporter == "otlp" and any(environment.get(name) for name in ENDPOINTS)


def configure(service: str, environment: Mapping[str, str]) -> None:
    """Sets up tracing for this process if the environment asks for it.

    What stands in the way is a warning: a process that sends must not end because nobody watches it.
    """
    if not is_asked_for(environment):
        return
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        logs.get().warning("tracing is off", detail=f"{protocol} is not spoken", remedy=f"{PROTOCOLS[1]}={PROTOCOL}")
        return
    try:
        from shared.tracing.export import start
    except ImportError as error:
        logs.get().warning("tracing is off", detail=str(error), remedy=INSTALL)
        return
    _tools["process"] = start(service)


def get() -> SpanTools | None:
    """Returns what makes the spans of this process; None while nothing is traced."""
    return _tools.get("process")


def close() -> None:
    """Hands the spans that wait to the collector, for two seconds at most, and ends tracing."""
    if tools := _tools.pop("process", None):
        tools.close()
