"""What a process needs of a tracing library: spans that begin and end, and the headers that carry their context."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

SpanKind = Literal["server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool]


class TraceSpan(Protocol):
    """A span under way."""

    @property
    def traceparent(self) -> str | None:
        """The context to be handed on; None where the trace is not sampled."""
        ...

    def end(self, attributes: Attributes | None = None, *, error: str | None = None) -> None:
        """Ends the span now. `error`: the kind of error that it ended with."""
        ...


class SpanTools(Protocol):
    """What makes the spans of a process."""

    def begin(
        self,
        name: str,
        kind: SpanKind,
        *,
        parent: str | None = None,
        links: Sequence[str | None] = (),
        ago: float = 0.0,
        attributes: Attributes | None = None,
    ) -> TraceSpan:
        """Begins a span: of the trace of `parent`, or of a new one. It began `ago` seconds before now.

        `parent` and `links` are traceparents. Attributes hold ids and numbers, never a phone or a text.
        """
        ...

    def close(self) -> None:
        """Hands what waits to the collector, for two seconds at most."""
        ...
