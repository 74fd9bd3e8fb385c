"""The spans of results that were folded: the last of a message's trace."""

from collections.abc import Sequence

from services.reporter.body import FoldableResult
from shared import topology, tracing
from shared.broker import Delivery


def write_folded(delivery: Delivery, results: Sequence[FoldableResult], seconds: float, *, folded: bool) -> None:
    """Writes a span for each traced result of a body, whose fold took `seconds` and has just ended."""
    tools = tracing.get()
    if tools is None or tracing.LIST_HEADER not in delivery.headers:
        return
    for place, traceparent in tracing.split_traceparents(delivery.headers).items():
        if place < len(results):
            result = results[place]
            span = tools.begin(
                f"process {topology.REPORTER_RESULTS}",
                "consumer",
                parent=traceparent,
                ago=seconds,
                attributes={
                    "messaging.system": "rabbitmq",
                    "messaging.operation.type": "process",
                    "messaging.destination.name": topology.REPORTER_RESULTS,
                    "messaging.batch.message_count": len(results),
                    "herald.message_id": result.message_id,
                    "herald.attempt": result.number,
                    "herald.status": result.status,
                },
            )
            span.end(error=None if folded else "unfoldable")
