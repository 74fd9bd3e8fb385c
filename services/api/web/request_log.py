"""What the log tells of what a caller sent and why it was refused: never a phone, a text or a tag. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel

from services.api.web.problems import InvalidValue
from shared.redaction import mask_phone

# Fields whose values are no secret, in bodies and in query parameters. Of all others only the length is told.
OPEN = frozenset(
    {
        *("operator_code", "operator_codes", "timezone", "start_at", "end_at", "opens", "closes", "window", "filter"),
        *("status", "statuses", "limit", "on_conflict", "queue", "all", "ids"),
    }
)
MOST_ENTRIES = 10
MOST_ERRORS = 5
PLACES = frozenset({"body", "query", "header"})


def redact_fields(model: BaseModel) -> dict[str, object]:
    """Names the fields that were given, with what of their values may be told."""
    return {name: _value(name, getattr(model, name)) for name in sorted(model.model_fields_set)}


def name_errors(errors: Iterable[InvalidValue], known: frozenset[str]) -> list[str]:
    """Returns where the first errors are. A field that nobody knows was named by the caller, and is not quoted."""
    names = {*known, *PLACES}
    return [
        ".".join(str(part) if isinstance(part, int) or part in names else "?" for part in error.loc)
        for error in list(errors)[:MOST_ERRORS]
    ]


def _value(name: str, value: Any) -> object:
    if value is None:
        return None
    if isinstance(value, BaseModel):
        return redact_fields(value)
    if name == "phone":
        return mask_phone(value)
    if name not in OPEN:
        return {"length": len(value)} if hasattr(value, "__len__") else "given"
    if isinstance(value, list) and len(value) > MOST_ENTRIES:
        return {"first": value[:MOST_ENTRIES], "length": len(value)}
    return value


def field_names(models: Iterable[type[BaseModel]]) -> frozenset[str]:
    """Collects the names of all fields of models and of the models inside them, as Python and JSON have them."""
    names: set[str] = set()
    for model in models:
        for name, info in model.model_fields.items():
            names |= {name, info.alias or name} | field_names(_models_in(info.annotation))
    return frozenset(names)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
