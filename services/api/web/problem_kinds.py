"""The kinds of problems: what each means, and what a caller does about it.

A code never changes its meaning. The API serves the table as a page, to which `type` points, and docs/problems.md
repeats it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ProblemCode = Literal[
    "malformed-request",
    "malformed-body",
    "token-missing",
    "token-refused",
    "role-insufficient",
    "foreign-origin",
    "not-found",
    "method-not-allowed",
    "body-late",
    "state-conflict",
    "phone-taken",
    "external-id-taken",
    "name-taken",
    "token-name-taken",
    "missing-values",
    "idempotency-key-busy",
    "changed-meanwhile",
    "body-too-large",
    "media-type-unsupported",
    "encoding-unsupported",
    "values-invalid",
    "receipt-unreadable",
    "rate-exceeded",
    "wrong-tokens-exceeded",
    "too-many-open",
    "head-too-large",
    "internal-error",
    "database-unavailable",
    "database-slow",
    "request-too-slow",
    "stream-unavailable",
    "broker-unavailable",
    "edit-unconfirmed",
    "stop-list-unreadable",
]

PAGE = "/docs/problems"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem: its HTTP status, what happened, and what to do."""

    status: int
    meaning: str
    remedy: str


KINDS: Mapping[ProblemCode, ProblemKind] = {
    "malformed-request": ProblemKind(
        400, "The bytes are not HTTP.", "Use an HTTP client. A header may have no line break and no control character."
    ),
    "malformed-body": ProblemKind(
        400,
        "The body ended early, cannot be decompressed, or is not JSON in UTF-8.",
        "Correct the body. Each key of an object may occur once.",
    ),
    "token-missing": ProblemKind(401, "The request has no token.", "Send `Authorization: Bearer TOKEN`."),
    "token-refused": ProblemKind(401, "The token is unknown, expired or revoked.", "Ask an admin for a new token."),
    "role-insufficient": ProblemKind(
        403, "The token's role does not allow this.", "Use a token with the role that `detail` names."
    ),
    "foreign-origin": ProblemKind(
        403,
        "The request comes from a web page of another origin, or names another host, and no token is required.",
        "Use the address of this API, or switch authentication on.",
    ),
    "not-found": ProblemKind(404, "It does not exist, or was deleted.", "Check the path and the id."),
    "method-not-allowed": ProblemKind(405, "The path has no such method.", "Use a method of the Allow header."),
    "body-late": ProblemKind(408, "The body did not arrive in time.", "Send it again."),
    "state-conflict": ProblemKind(
        409,
        "The present state does not allow this.",
        "Read `detail`, show the mailing, and decide anew. With Retry-After, try again.",
    ),
    "phone-taken": ProblemKind(409, "Another client has this phone.", "Change that client, or choose another phone."),
    "external-id-taken": ProblemKind(
        409, "Another client has this external id.", "Change that client, or choose another external id."
    ),
    "name-taken": ProblemKind(409, "Another segment has this name.", "Change that segment, or choose another name."),
    "token-name-taken": ProblemKind(
        409, "Another token has this name, or had it.", "Choose another name: events and logs name tokens by it."
    ),
    "missing-values": ProblemKind(
        409,
        "Some of the audience lack a value that the text needs.",
        'Add the values, give the placeholder a fallback, or send `"on_missing": "skip"`: then those are left out.',
    ),
    "idempotency-key-busy": ProblemKind(
        409, "Another request with this Idempotency-Key is still running.", "Try again after Retry-After."
    ),
    "changed-meanwhile": ProblemKind(
        412,
        "If-Match names another version than the present one.",
        "Show it, merge both changes, and send its ETag.",
    ),
    "body-too-large": ProblemKind(
        413, "The body, or what it decompresses to, is too large.", "Send less; divide a file into parts."
    ),
    "media-type-unsupported": ProblemKind(
        415, "The body has another media type, or another character set than UTF-8.", "Use a type of the Accept header."
    ),
    "encoding-unsupported": ProblemKind(
        415, "The body has another Content-Encoding.", "Use one of the Accept-Encoding header, once."
    ),
    "values-invalid": ProblemKind(
        422, "Values or parameters are not allowed.", "Correct what `errors` names, each with its place and its reason."
    ),
    "receipt-unreadable": ProblemKind(
        422,
        "A provider's receipt has no status or no id where the providers file looks for it.",
        "Correct the provider's `receipts` in the providers file. `detail` names the field.",
    ),
    "rate-exceeded": ProblemKind(429, "The token sent too many requests.", "Wait for Retry-After seconds."),
    "wrong-tokens-exceeded": ProblemKind(
        429, "Too many wrong tokens came from this address.", "Wait for Retry-After seconds, then send the right one."
    ),
    "too-many-open": ProblemKind(
        429,
        "Too many uploads, exports or streams are open, in all or with this token.",
        "Close one, or try again later.",
    ),
    "head-too-large": ProblemKind(431, "The request line or a header is too long.", "Send shorter ones."),
    "internal-error": ProblemKind(
        500, "Herald made an error.", "Tell the operator the X-Request-ID: the log has the cause."
    ),
    "database-unavailable": ProblemKind(
        503, "The database is unavailable. Nothing is lost.", "Try again after Retry-After."
    ),
    "database-slow": ProblemKind(
        503, "The database took too long to answer.", "Request less, or try again after Retry-After."
    ),
    "request-too-slow": ProblemKind(
        503, "The request took too long and was stopped.", "Check whether it took effect before you repeat it."
    ),
    "stream-unavailable": ProblemKind(
        503, "The stream cannot begin now.", "Try again after Retry-After, or request the statistics instead."
    ),
    "broker-unavailable": ProblemKind(503, "RabbitMQ is unavailable.", "Try again after Retry-After."),
    "edit-unconfirmed": ProblemKind(
        503,
        "The edit is stored, and it is not known whether every dispatcher obeys it yet.",
        "Repeat the request: it changes nothing more, and is answered when every dispatcher obeys.",
    ),
    "stop-list-unreadable": ProblemKind(
        503,
        "HERALD_STOP_LIST_KEY is missing, or is not the key under which the stop list was written.",
        "Set the key that every API process had before: operations.md explains it. Until then no client can be added, "
        "since nobody could see who is on the list.",
    ),
}

# The kind of a status that nothing more is known about, such as those that aiohttp raises itself.
BY_STATUS: Mapping[int, ProblemCode] = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    500: "internal-error",
}


def address_of(code: ProblemCode) -> str:
    """Returns the `type` of a problem: a reference to its part of the page."""
    return f"{PAGE}#{code}"
