"""Describes the headers of answers and of requests."""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


def _header(description: str, example: Any, kind: str = "string", **rules: Any) -> Json:
    return {"description": description, "required": True, "schema": {"type": kind, **rules}, "example": example}


def _rate(description: str, example: int) -> Json:
    """Describes a header that is absent where rates are not limited."""
    return {**_header(description, example, "integer", minimum=0), "required": False}


# The suffix of headers that an answer may lack.
SOMETIMES = ".sometimes"
# The headers of every answer, problems included.
ALWAYS = ("X-Request-ID",)
# The headers of every answer to a valid token, if the installation limits rates.
RATES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

ANSWERED: dict[str, Json] = {
    "X-Request-ID": _header(
        "The id of the request: the one that was sent if it is valid, else a new one.",
        "order-4711",
        pattern="^[A-Za-z0-9._-]{1,64}$",
    ),
    "Location": _header("The path of the created resource.", "/api/v1/clients/1", format="uri-reference"),
    "ETag": _header(
        "The version: it changes with every edit and every change of the state, not with the counts. For If-Match.",
        '"2053674000000000"',
    ),
    "Link": {
        **_header(
            'The path of the next page, with rel="next". Absent on the last page.',
            '</api/v1/clients?limit=100&cursor=Y2xpZW50czoxMDA>; rel="next"',
        ),
        "required": False,
    },
    "Content-Disposition": _header("The suggested name of the file.", 'attachment; filename="clients.csv"'),
    "Retry-After": _header("Seconds to wait before trying again.", 2, "integer", minimum=0),
    "Retry-After" + SOMETIMES: {
        **_header("Seconds to wait before trying again, where waiting helps.", 1, "integer", minimum=0),
        "required": False,
    },
    "RateLimit-Limit": _rate("The number of requests that this token may send at once.", 200),
    "RateLimit-Remaining": _rate("The number of requests that are left.", 199),
    "RateLimit-Reset": _rate("Seconds until all of them are available again.", 1),
    "WWW-Authenticate": _header("How to authenticate.", 'Bearer realm="herald"'),
    "Accept": _header("The accepted media types.", "application/json"),
}

# Every operation takes these.
SENT: dict[str, Json] = {
    "X-Request-ID": {
        "description": "An id of your choice for this request, 1 to 64 letters, digits, dots, underscores and "
        "hyphens. It is returned in the answer, and is part of every log line of the request and of "
        "all that it causes. An invalid id is replaced.",
        "schema": {"type": "string"},
    },
}
# Operations on one version take this.
IF_MATCH: Json = {
    "description": "Versions as ETag gave them, or *. If the present version is none of these the answer is 412, and "
    "nothing is changed.",
    "schema": {"type": "string"},
}


def named(names: Iterable[str]) -> Json:
    """Refers to headers of an answer, by name."""
    return {name.removesuffix(SOMETIMES): {"$ref": f"#/components/headers/{name}"} for name in names}


def parameter(name: str, described: Json) -> Json:
    return {"name": name, "in": "header", "required": False, **described}
