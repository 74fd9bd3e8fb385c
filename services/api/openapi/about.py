"""Describes the API as a whole, and the pages outside of it."""

from dataclasses import dataclass, field
from typing import Any

from services.api.web.negotiation import JSON

HTML = "text/html"

DESCRIPTION = """\
Herald sends the text of a *mailing* to every client that matches its filter, through an external provider, between its
start and its end, and records the outcome of every *message*.

**To begin,** press Authorize and enter a token; `herald up` names the file of one. Then execute these operations in
order, with the values that are filled in: *Add a client*, *Create a mailing*, *Show the statistics of a mailing*.

**Tokens.** Everything under /api/v1 needs `Authorization: Bearer TOKEN`. Without a token the answer is 401; if the
token's role is not sufficient, it is 403. A viewer reads, an operator also changes clients and mailings, and an admin
may do everything.

**Values.** Bodies are JSON in UTF-8, with strict types: a number is not a string. Fields and parameters that are not
documented are refused with 422. Date-times are ISO 8601 with an offset; answers give them in UTC. Ids are integers.

**Errors** are `application/problem+json`, as RFC 9457 defines it. For 422, `errors` gives the location of each wrong
value. An unknown path is 404, and a method that a path does not have is 405 with Allow. 503 comes with Retry-After; if
a request was stopped because it took too long, check whether it took effect before you repeat it.

**Pages.** Lists return `items` and `next`. Pass `next` as `cursor` to get the next page, or follow the Link header. On
the last page `next` is null. Cursors are opaque, and valid only for the list that returned them.

**Request ids.** Every answer carries X-Request-ID. Send your own to find a request in the logs of all processes.

**Rate limits.** If the installation limits rates, RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset show what a
token has left, and 429 with Retry-After refuses a token that sent too many requests. Wrong tokens are limited by
address.

**Methods.** HEAD works wherever GET does, and OPTIONS returns Allow. Answers are compressed for clients that accept
gzip.

**The life of a mailing.** scheduled → running → finished; running ↔ paused; scheduled, running, paused → cancelled. A
finished mailing has only final messages, each sent, rejected, exhausted, expired or cancelled.
"""


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page outside of /api/v1, which needs no token."""

    path: str
    id: str
    summary: str
    description: str
    media: str = HTML
    shape: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


PAGES = (
    PublicPage(
        "/openapi.json", "showDocument", "Show this document", "The API as OpenAPI 3.1.", JSON, {"type": "object"}
    ),
    PublicPage("/api/", "showIndex", "Show a readable index of the API", "An HTML page with links into /docs/."),
    PublicPage("/", "showConsole", "Use the console", "A page to watch and manage mailings, clients and dead letters."),
    PublicPage("/docs/", "showDocs", "Try the API in a browser", "Swagger UI, served by this installation."),
)
