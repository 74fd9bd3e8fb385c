"""What is stored of a client, and how the fields of a request change it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.api.clients.attributes import Attributes, merge
from services.api.clients.responses import Client
from services.api.clients.schemas import ClientNew
from services.api.web.field_types import MAX_TAGS


@dataclass(frozen=True, slots=True)
class ClientValues:
    """The values of a client as they are stored. `tag`, as callers see it, is the first of `tags`, or empty."""

    phone: str
    operator_code: str
    tags: tuple[str, ...] = ()
    timezone: str = "UTC"
    external_id: str | None = None
    attributes: Attributes = field(default_factory=dict)

    @property
    def tag(self) -> str:
        return self.tags[0] if self.tags else ""


def with_defaults(body: ClientNew, default_zone: str) -> ClientValues:
    """Returns all values of a client, with defaults for those that were left out."""
    return ClientValues(
        phone=body.phone,
        operator_code=body.operator_code or body.phone[1:4],
        tags=tuple(body.tags) or ((body.tag,) if body.tag else ()),
        timezone=body.timezone or default_zone,
        external_id=body.external_id,
        attributes=merge({}, body.attributes),
    )


def values_of(client: Client) -> ClientValues:
    return ClientValues(
        phone=client.phone,
        operator_code=client.operator_code,
        tags=tuple(client.tags),
        timezone=client.timezone,
        external_id=client.external_id,
        attributes=client.attributes,
    )


def apply_patch(before: ClientValues, given: Mapping[str, Any]) -> ClientValues:
    """Applies the fields that were given. Raises ValueError if the attributes become too many, or too long."""
    given = dict(given)
    tag, tags = given.pop("tag", None), given.pop("tags", None)
    if tags is not None:
        given["tags"] = tuple(tags)
    elif tag is not None:
        given["tags"] = with_first_tag(before.tags, tag)
    if "attributes" in given:
        given["attributes"] = merge(before.attributes, given["attributes"])
    return replace(before, **given)


def with_first_tag(tags: Sequence[str], tag: str) -> tuple[str, ...]:
    """Replaces the first tag, and leaves the others. Without a first tag there are none."""
    return (tag, *(other for other in tags[1:] if other != tag))[:MAX_TAGS] if tag else ()


def changed_fields(before: ClientValues, after: ClientValues) -> list[str]:
    """Names the fields that differ. `tag` is the first of the tags, and `tags` are the others."""
    compared = {
        "phone": before.phone != after.phone,
        "operator_code": before.operator_code != after.operator_code,
        "tag": before.tag != after.tag,
        "tags": before.tags[1:] != after.tags[1:],
        "timezone": before.timezone != after.timezone,
        "external_id": before.external_id != after.external_id,
        "attributes": before.attributes != after.attributes,
    }
    return [name for name, differs in compared.items() if differs]
