"""The spans of an attempt: the work at its job, and within it the request to the provider."""

from services.dispatcher.claimed_job import ClaimedJob, SentRequest
from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.providers.lane import Lane
from shared import topology, tracing
from shared.messages import Result
from shared.tracing import SpanTools, TraceSpan


class AttemptTrace:
    """An attempt whose message is traced. Its span lasts from the claim until its result goes on its way."""

    __slots__ = ("_ended", "_span", "traceparent")

    def __init__(self, span: TraceSpan) -> None:
        self._span = span
        self._ended = False
        self.traceparent = span.traceparent

    def end(self, result: Result | None) -> None:
        """Ends the span; with None for an attempt on which Herald failed. Does nothing once it is ended."""
        if self._ended:
            return
        self._ended = True
        if result is None:
            self._span.end(error="crashed")
        else:
            self._span.end({"herald.outcome": result.outcome, "herald.status": result.status})


def begin_trace(
    claimed: ClaimedJob, lane: Lane, sent: SentRequest, classification: Classification
) -> AttemptTrace | None:
    """Begins the span of an attempt whose reply has just come, and writes that of its request.

    Returns None while nothing is traced, and for a message that is not among those that are.
    """
    tools = tracing.get()
    parent = None if tools is None else claimed.delivery.headers.get(tracing.HEADER)
    if tools is None or not isinstance(parent, str):
        return None
    span = tools.begin(
        f"process {topology.DISPATCHER_JOBS}",
        "consumer",
        parent=parent,
        ago=sent.begun_after + sent.seconds,
        attributes={
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": topology.DISPATCHER_JOBS,
            "herald.mailing_id": claimed.job.mailing_id,
            "herald.message_id": claimed.job.message_id,
            "herald.attempt": claimed.claim.number,
            **({} if claimed.claim.request_id is None else {"herald.request_id": claimed.claim.request_id}),
        },
    )
    _write_request(tools, span, lane, sent, classification)
    return AttemptTrace(span)


def _write_request(
    tools: SpanTools, above: TraceSpan, lane: Lane, sent: SentRequest, classification: Classification
) -> None:
    """Writes the span of a request. Without its path: a provider may want the phone in it."""
    mapping, status = lane.mapping, sent.reply.http_status
    request = tools.begin(
        mapping.config.request.method,
        "client",
        parent=above.traceparent,
        ago=sent.seconds,
        attributes={
            "http.request.method": mapping.config.request.method,
            "server.address": mapping.origin.host,
            "server.port": mapping.origin.port,
            "herald.provider": lane.name,
            "herald.verdict": classification.verdict,
        },
    )
    failed = classification.verdict != "accepted"
    request.end(
        None if status is None else {"http.response.status_code": status},
        error=classification.outcome if failed else None,
    )
