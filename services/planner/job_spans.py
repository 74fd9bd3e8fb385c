"""The spans of the planner: of events that wake it, and of jobs.

Each job begins the trace of its message, which is linked with the request of its mailing.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shared import topology, tracing
from shared.broker import Delivery
from shared.messages import MailingEvent
from shared.tracing import TraceSpan

# A message has a trace of its own: one trace of a mailing to a million clients would be of no use to anybody, and the
# share of messages that is traced is OpenTelemetry's to choose.
NAME = f"publish {topology.JOBS}"


class JobFlight(Protocol):
    """A message whose job is published."""

    @property
    def message_id(self) -> int: ...
    @property
    def mailing_id(self) -> int: ...
    @property
    def attempt(self) -> int: ...


class JobSpans:
    """The spans of a batch of jobs, in its order; none while nothing is traced."""

    def __init__(self, flights: Sequence[JobFlight], mailings: Mapping[int, str | None]) -> None:
        """`mailings`: the traceparents of the requests that made the mailings."""
        tools = tracing.get()
        self._spans: list[TraceSpan] = []
        if tools is not None:
            self._spans = [
                tools.begin(
                    NAME,
                    "producer",
                    links=[mailings.get(one.mailing_id)],
                    attributes={
                        "messaging.system": "rabbitmq",
                        "messaging.operation.type": "send",
                        "messaging.destination.name": topology.JOBS,
                        "herald.mailing_id": one.mailing_id,
                        "herald.message_id": one.message_id,
                        "herald.attempt": one.attempt,
                    },
                )
                for one in flights
            ]

    def traceparent(self, place: int) -> str | None:
        """Returns the context of a job, for its headers."""
        return self._spans[place].traceparent if self._spans else None

    def end(self, confirmed: Sequence[bool]) -> None:
        """Ends the spans: the broker has confirmed these jobs."""
        for span, done in zip(self._spans, confirmed, strict=False):
            span.end(error=None if done else "unconfirmed")


def write_event(delivery: Delivery, event: MailingEvent) -> None:
    """Writes the span of an event that was received, in the trace of its request."""
    tools = tracing.get()
    parent = None if tools is None else delivery.headers.get(tracing.HEADER)
    if tools is not None and isinstance(parent, str):
        attributes: dict[str, str | int] = {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": topology.PLANNER_MAILINGS,
            "herald.mailing_id": event.mailing_id,
        }
        name = f"process {topology.PLANNER_MAILINGS}"
        tools.begin(name, "consumer", parent=parent, attributes=attributes).end()
