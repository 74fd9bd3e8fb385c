"""Describes the operations on statistics for the API's document."""

from collections.abc import Mapping

import orjson

from services.api.mailings.api_docs import NO_MESSAGES
from services.api.statistics import delivery, sse
from services.api.statistics import handlers as statistics
from services.api.statistics.delivery_responses import MailingDelivery
from services.api.statistics.responses import MailingStatistics, MailingSummaries, Totals
from services.api.web.operation import MADE_AT, SENT_AT, Json, Operation, Success, sse_content, success
from services.api.web.route import Handler

_SENT: Json = {**NO_MESSAGES, "sent": 1}
TOTALS: Json = {
    "mailings": {"total": 1, "draft": 0, "scheduled": 0, "running": 0, "paused": 0, "finished": 1, "cancelled": 0},
    "messages": {**_SENT, "total": 1},
}
SUMMARIES: Json = {
    "items": [
        {
            "mailing_id": 1,
            "status": "finished",
            "start_at": MADE_AT,
            "end_at": "2035-01-31T15:00:00Z",
            "total": 1,
            "by_status": _SENT,
        }
    ],
    "next": None,
}
STATISTICS: Json = {
    "mailing_id": 1,
    "status": "finished",
    "total": 1,
    "by_status": _SENT,
    "attempts": {"total": 2, "by_outcome": {"accepted": 1, "server_error": 1}},
    "by_provider": [],
    "reasons": [],
    "delivery": {"delivered": 1, "undelivered": 0, "waiting": 0},
    "per_minute": [{"at": "2035-01-30T09:00:00Z", "sent": 1, "failed": 0}],
    "rate": 0.0,
    "eta": 0.0,
    "started_at": MADE_AT,
    "finished_at": SENT_AT,
}
TIMES: Json = {"p50": 4.6, "p95": 31.0}
DELIVERED: Json = {"delivered": 1, "undelivered": 0, "waiting": 0, "time_to_handset": TIMES}
DELIVERY: Json = {
    **DELIVERED,
    "mailing_id": 1,
    "unconfirmed": 0,
    "no_receipt": 0,
    "reasons": [],
    "by_provider": [{**DELIVERED, "provider": "smsc", "unconfirmed": 0, "no_receipt": 0}],
    "by_operator": [{**DELIVERED, "operator_code": "999"}],
}
STATISTICS_EVENTS = (
    f"retry: 2000\n\nevent: statistics\ndata: {orjson.dumps(STATISTICS).decode()}\n\n"
    'event: end\ndata: {"reason":"ended"}\n\n'
)

OPERATIONS: Mapping[Handler, Operation] = {
    statistics.of_mailing: Operation(
        "showStatistics",
        "statistics",
        "Shows the statistics of a mailing: its counts, the attempts by outcome, the reasons of unsent messages, the "
        "messages per minute, the present rate, and the estimated seconds until all messages are final.",
        {200: success("The statistics.", MailingStatistics, STATISTICS)},
    ),
    delivery.show: Operation(
        "showDelivery",
        "statistics",
        "Shows what the receipts of the providers say of a mailing's sent messages, in all, by provider and by "
        "operator code, and how long they took to the handset.",
        {200: success("The delivery.", MailingDelivery, DELIVERY)},
    ),
    sse.stream: Operation(
        "streamStatistics",
        "statistics",
        "Streams the statistics of a mailing as server-sent events until it has ended: `statistics` about once a "
        "second, with the same data as in JSON; `unavailable` when the database becomes unavailable, after which the "
        "stream waits for it; and `end` with a reason, after which it closes. If a stream closes without `end`, "
        "connect again. The token goes in the header, never in the URL.",
        {200: Success("The events.", (sse_content("Server-sent events.", STATISTICS_EVENTS),))},
        errors={503: "The database is unavailable, or too many streams are open."},
    ),
    statistics.totals: Operation(
        "showTotals",
        "statistics",
        "Counts all mailings by state and all messages by status. Messages of deleted mailings count, too.",
        {200: success("The counts.", Totals, TOTALS)},
    ),
    statistics.listing: Operation(
        "listStatistics",
        "statistics",
        "Lists the counts of each mailing, the newest first, page by page.",
        {200: success("A page of counts.", MailingSummaries, SUMMARIES, headers=("Link",))},
    ),
}
