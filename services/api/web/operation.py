"""How a feature describes its operations for the API's document, beyond their rows in the route table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from services.api.web.bodies import MERGE_PATCH
from services.api.web.negotiation import EVENT_STREAM, JSON

Json = dict[str, Any]
Headers = tuple[str, ...]

# The examples of all features tell one story, of one client and one mailing, with these two moments.
MADE_AT, SENT_AT = "2035-01-30T09:00:00Z", "2035-01-30T09:00:01.250000Z"


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a value. A test sends those of bodies exactly as they are printed."""

    summary: str
    value: Any


@dataclass(frozen=True, slots=True)
class Content:
    """One media type of a body or an answer. `shape` is a model, or for text a JSON schema."""

    media: str
    shape: type[BaseModel] | Json
    examples: Mapping[str, Example]


@dataclass(frozen=True, slots=True)
class Success:
    """An answer that is not a problem. `headers` are names in openapi/headers.py."""

    description: str
    contents: tuple[Content, ...] = ()
    headers: Headers = ()


NO_CONTENT = Success("Done. There is no body.")


@dataclass(frozen=True, slots=True)
class Operation:
    """The description of an operation.

    `errors` adds problems to those that follow from the route, or describes one in detail; `never` removes some.
    `versioned` operations take If-Match, and can fail with 412. `headers` describes request headers by name. `query` is
    an example of query parameters, where a request needs some; with a `long_query`, they may exceed the request line.
    """

    id: str
    tag: str
    description: str
    replies: Mapping[int, Success]
    body: tuple[Content, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    never: frozenset[int] = frozenset()
    versioned: bool = False
    headers: Mapping[str, Json] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    long_query: bool = False


def success(description: str, model: type[BaseModel], example: Any, *others: Content, headers: Headers = ()) -> Success:
    """Describes an answer in JSON, and in other media types where a caller may choose."""
    return Success(description, (Content(JSON, model, {"shown": Example(description, example)}), *others), headers)


def json_body(model: type[BaseModel], **examples: Example) -> tuple[Content, ...]:
    return (Content(JSON, model, examples),)


def patch_body(model: type[BaseModel], **examples: Example) -> tuple[Content, ...]:
    return tuple(Content(media, model, examples) for media in (JSON, MERGE_PATCH))


def sse_content(description: str, example: str) -> Content:
    """Describes server-sent events.

    The schema names no type: readers disagree whether it is that of the whole stream or of one event.
    """
    return Content(EVENT_STREAM, {"description": description}, {"events": Example(description, example)})


def text_content(media: str, description: str, example: str, **rules: Any) -> Content:
    shape = {"type": "string", "description": description, **rules}
    return Content(media, shape, {"text": Example(description, example)})
