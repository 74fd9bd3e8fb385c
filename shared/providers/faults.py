"""Puts what is wrong with the providers file into lines: the path, then the fault. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.providers import schema

# The model that a key holds, whatever the path to it; the keys of what is a map of any names are not here.
_MODELS: Mapping[str, type[BaseModel]] = {
    "request": schema.RequestConfig,
    "auth": schema.RequestAuth,
    "basic": schema.BasicAuth,
    "validity": schema.ValidityConfig,
    "reply": schema.ReplyRule,
    "reply_first": schema.ReplyRule,
    "price": schema.PriceConfig,
    "receipts": schema.ReceiptsConfig,
    "reason": schema.ReceiptReason,
    "at": schema.ReceiptMoment,
    "answer": schema.ReceiptAnswer,
    "routes": schema.ProviderRoute,
    "pool": schema.PoolShare,
}
_WORDS = {
    "missing": "is missing",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
}


class ProvidersFileError(Exception):
    """The providers file cannot be used. `lines` has one line for each fault."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns what to add to "unknown ...": the nearest known name, if one is near."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]}?" if near else ""


def join_path(parts: Iterable[object]) -> str:
    """Writes a path: providers.smsc.reply[0].verdict."""
    written = ""
    for part in parts:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else str(part)
    return written or "the file"


def describe_errors(error: ValidationError, tree: Any) -> list[str]:
    """Returns one line for each error of the model, without those of the branches of a union that were not meant."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        path = path_of(problem["loc"], tree)
        if path is not None:
            lines.append(f"{join_path(path)}: {_words(problem['type'], problem['msg'], path)}")
    return list(dict.fromkeys(lines))


def path_of(loc: Sequence[int | str], tree: Any) -> list[int | str] | None:
    """Returns the keys of a place in the tree. None for an error of a branch that does not fit what stands there."""
    path: list[int | str] = []
    here = tree
    for number, part in enumerate(loc):
        is_there = (isinstance(here, Mapping) and part in here) or (isinstance(here, list) and isinstance(part, int))
        if is_there:
            path.append(part)
            here = here[part]
        elif number == len(loc) - 1 and isinstance(here, Mapping) and not _is_branch(part):
            path.append(part)
        elif _is_branch(part) and not _fits(str(part), here):
            return None
    return path


def _is_branch(part: int | str) -> bool:
    text = str(part)
    return "[" in text or text in {"str", "int"} or text[:1].isupper()


def _fits(branch: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        return branch[:1].isupper()
    if isinstance(value, list):
        return branch.startswith("list[")
    if isinstance(value, int):
        return branch == "int"
    return branch == "str" or branch.startswith("literal[")


def _words(kind: str, message: str, path: Sequence[int | str]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key{suggest(str(path[-1]), _known_keys(path[:-1]))}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    return _WORDS.get(kind) or message[:1].lower() + message[1:]


def _known_keys(path: Sequence[int | str]) -> set[str]:
    names = [part for part in path if isinstance(part, str)]
    if not names:
        model: type[BaseModel] = schema.ProvidersFile
    elif names[-1] == "when":
        model = schema.RouteCondition if names[0] == "routes" else schema.ReplyCondition
    elif len(names) == 2 and names[0] == "providers":
        return {*_names(schema.ProviderConfig), "reply_first"}
    else:
        model = _MODELS.get(names[-1], schema.ProvidersFile)
    return _names(model)


def _names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}
