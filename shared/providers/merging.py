"""Lays one tree of the providers file over another: maps merge, null removes a key, lists replace. Pure."""

from collections.abc import Mapping
from typing import Any


def merge(below: Any, above: Any) -> Any:
    """Returns `below` with `above` laid over it."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged[key], value) if key in merged else _without_nulls(value)
    return merged


def merge_provider(preset: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lays a provider over its preset. Rules of `reply_first` come before those of the preset."""
    first = own.get("reply_first")
    merged: dict[str, Any] = merge(preset, {key: value for key, value in own.items() if key != "reply_first"})
    if first is not None:
        reply = merged.get("reply", [])
        merged["reply"] = [*first, *reply] if isinstance(first, list) and isinstance(reply, list) else first
    return merged


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return value
