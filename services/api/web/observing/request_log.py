"""Redacts requests for the log: phones are masked, texts and tags appear as lengths. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel

from services.api.web.problems import InvalidValue
from shared.redaction import mask_phone

# Fields whose values are not secret, in bodies and in query parameters. Of all others only the length is logged.
NOT_SECRET = frozenset(
    {
        *("operator_code", "operator_codes", "timezone", "start_at", "end_at", "opens", "closes", "window", "filter"),
        *(
            "status",
            "statuses",
            "limit",
            "on_conflict",
            "on_empty",
            "queue",
            "all",
            "ids",
            "client_id",
            "with_id",
            "spreadsheet",
            "draft",
            "start_from",
            "start_before",
            "segment",
            "days",
            "on_missing",
            "source",
        ),
    }
)
MAX_ENTRIES = 10
MAX_ERRORS = 5
PLACES = frozenset({"body", "query", "header"})


def redact_fields(model: BaseModel) -> dict[str, object]:
    """Returns the fields that were given, with redacted values."""
    return {name: _redact(name, getattr(model, name)) for name in sorted(model.model_fields_set)}


def name_errors(errors: Iterable[InvalidValue], known: frozenset[str]) -> list[str]:
    """Names the places of the first errors.

    A field that no model defines is replaced by "?", since the caller chose its name.
    """
    names = {*known, *PLACES}
    return [
        ".".join(str(part) if isinstance(part, int) or part in names else "?" for part in error.loc)
        for error in list(errors)[:MAX_ERRORS]
    ]


def _redact(name: str, value: Any) -> object:
    if value is None:
        return None
    if isinstance(value, BaseModel):
        return redact_fields(value)
    if name == "phone":
        return mask_phone(value)
    if name not in NOT_SECRET:
        return {"length": len(value)} if hasattr(value, "__len__") else "given"
    if isinstance(value, list) and len(value) > MAX_ENTRIES:
        return {"first": value[:MAX_ENTRIES], "length": len(value)}
    return value


def field_names(models: Iterable[type[BaseModel]]) -> frozenset[str]:
    """Collects the names of all fields of models and of their nested models, as Python and JSON have them."""
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
