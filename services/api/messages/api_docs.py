"""What the document says of messages and of statistics."""

from collections.abc import Mapping

from services.api import answers
from services.api.messages import handlers as messages
from services.api.openapi import examples
from services.api.openapi.operation import Operation, Reply, events, shown, text
from services.api.statistics import handlers as statistics
from services.api.statistics import sse
from services.api.web.negotiation import CSV
from services.api.web.route import Handler

MESSAGES: Mapping[Handler, Operation] = {
    messages.listing: Operation(
        "listMessages",
        "messages",
        "Lists the messages of a mailing by ascending id, page by page. With Accept: text/csv all of them are "
        "streamed, whatever the limit; an answer that is cut off was not complete.",
        {
            200: shown(
                "A page of messages, or all of them as CSV.",
                answers.Messages,
                examples.MESSAGES,
                text(CSV, "A header, then a message a line.", examples.MESSAGES_CSV),
                headers=("Link",),
            )
        },
    ),
    messages.show: Operation(
        "showMessage",
        "messages",
        "Shows a message with each request to the provider that was made for it.",
        {200: shown("The message.", answers.MessageInFull, examples.MESSAGE_IN_FULL)},
    ),
}

STATISTICS: Mapping[Handler, Operation] = {
    statistics.of_mailing: Operation(
        "showStatistics",
        "statistics",
        "Shows what became of a mailing: its counts, the attempts by outcome, the reasons of what was not sent, the "
        "course minute by minute, the present rate, and the seconds that are left.",
        {200: shown("The statistics.", answers.MailingStatistics, examples.STATISTICS)},
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
        {200: shown("The counts.", answers.Totals, examples.TOTALS)},
    ),
    statistics.listing: Operation(
        "listStatistics",
        "statistics",
        "Lists the counts of each mailing, the newest first, page by page.",
        {200: shown("A page of counts.", answers.MailingSummaries, examples.SUMMARIES, headers=("Link",))},
    ),
}
