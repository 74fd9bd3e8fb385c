"""What the document says of the API as a whole, and of the pages outside of it."""

from dataclasses import dataclass, field
from typing import Any

from services.api.web.negotiation import JSON

HTML = "text/html"

DESCRIPTION = """\
Herald sends the text of a *mailing* to every client that matches its filter, through an external provider, between its
start and its end, and reports exactly what became of every *message*.

**To begin,** press Authorize and enter a token; `herald up` prints one. Then execute, in this order and as they stand:
*Add a client*, *Create a mailing*, *Show the statistics of a mailing*.

**Tokens.** Everything under /api/v1 needs `Authorization: Bearer TOKEN`: 401 without one, 403 where its role is not
enough. A viewer reads, an operator also changes clients and mailings, an admin may do everything.

**Values.** Bodies are JSON in UTF-8, strict in every type: a number is not a string. Fields and parameters that are not
documented are refused with 422. Moments are ISO 8601 with an offset; answers give them in UTC. Ids are integers.

**Errors** are `application/problem+json` as RFC 9457 has it. For 422, `errors` names each wrong value by its place. A
path that does not exist is 404, a method that a path does not have is 405 with Allow. 503 says
when to try again; where a request took too long, look first whether it was done.

**Pages.** Lists answer `items` and `next`. Pass `next` as `cursor` to get the next page, or follow the Link header;
null says that there is none. Cursors are opaque, and belong to the list that answered them.

**Request ids.** Every answer carries X-Request-ID. Send your own to find a request in the logs of all processes.

**Rates.** Where the installation limits them, RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset say what a token
has left, and 429 with Retry-After that it asked too often. Wrong tokens are limited by address.

**Methods.** HEAD is answered wherever GET is, and OPTIONS with Allow. Answers are compressed for those who take gzip.

**The life of a mailing.** scheduled → running → finished; running ↔ paused; scheduled, running, paused → cancelled. A
finished mailing has only final messages, each sent, rejected, exhausted, expired or cancelled.
"""


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page outside of /api/v1, for everybody."""

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
    PublicPage("/api/", "showIndex", "Show a readable index of the API", "A page for people, with links into /docs/."),
    PublicPage(
        "/", "showConsole", "Use the console", "A page that watches and handles mailings, clients and dead letters."
    ),
    PublicPage("/docs/", "showDocs", "Try the API in a browser", "Swagger UI, with its files served from here."),
)
