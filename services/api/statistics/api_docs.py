"""What the document says of statistics."""

from collections.abc import Mapping

from services.api.openapi import examples
from services.api.openapi.operation import Operation, Reply, events, shown
from services.api.statistics import handlers as statistics
from services.api.statistics import sse
from services.api.statistics.responses import MailingStatistics, MailingSummaries, Totals
from services.api.web.route import Handler

STATISTICS: Mapping[Handler, Operation] = {
    statistics.of_mailing: Operation(
        "showStatistics",
        "statistics",
        "Shows what became of a mailing: its counts, the attempts by outcome, the reasons of what was not sent, the "
        "course minute by minute, the present rate, and the seconds that are left.",
        {200: shown("The statistics.", MailingStatistics, examples.STATISTICS)},
    ),
    sse.stream: Operation(
        "streamStatistics",
        "statistics",
        "Follows the statistics of a mailing as server-sent events until it has ended: `statistics` about once a "
        "second, with the same data as in JSON; `unavailable` when the database goes away, after which the stream "
        "waits for it; and `end` with a reason, after which it closes. A stream that closes without `end` was cut: "
        "connect again. The token goes in the header, never in the URL.",
        {200: Reply("The events.", (events("Server-sent events.", examples.STATISTICS_EVENTS),))},
        errors={503: "The database is away, or too many streams are open."},
    ),
    statistics.totals: Operation(
        "showTotals",
        "statistics",
        "Counts all mailings by state and all messages by status. Messages of deleted mailings are among them.",
        {200: shown("The counts.", Totals, examples.TOTALS)},
    ),
    statistics.listing: Operation(
        "listStatistics",
        "statistics",
        "Lists the counts of each mailing, the newest first, page by page.",
        {200: shown("A page of counts.", MailingSummaries, examples.SUMMARIES, headers=("Link",))},
    ),
}
