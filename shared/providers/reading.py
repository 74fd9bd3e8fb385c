"""Reads a providers file: its YAML, the presets under it, the model, and what the model cannot say."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.providers.checks import check_file
from shared.providers.faults import ProvidersFileError, describe_errors, join_path, path_of, suggest
from shared.providers.merging import merge_provider
from shared.providers.presets import preset_names, read_preset
from shared.providers.schema import ProvidersFile
from shared.providers.yaml_text import YamlFault, read_yaml


def read_providers_file(path: Path) -> ProvidersFile:
    """Reads a file. Raises ProvidersFileError with one line for each fault."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ProvidersFileError([f"{path}: not UTF-8"]) from None
    except OSError as error:
        raise ProvidersFileError([f"{path}: {error.strerror}"]) from None
    return parse_providers_file(text)


def parse_providers_file(text: str) -> ProvidersFile:
    """Reads the text of a file. Raises ProvidersFileError with one line for each fault."""
    try:
        tree = _with_text_keys(read_yaml(text))
    except YamlFault as error:
        raise ProvidersFileError([f"the file: {error}"]) from None
    except RecursionError:
        raise ProvidersFileError(["the file: nested too deeply"]) from None
    if not isinstance(tree, dict):
        raise ProvidersFileError(["the file: must be a map with version and providers"])
    first_rules = _count_first_rules(tree)
    faults = _lay_over_presets(tree)
    try:
        found = ProvidersFile.model_validate(tree)
    except ValidationError as error:
        # Without its preset a provider lacks what that has.
        lacking = tuple(f"{fault.partition('.preset:')[0]}." for fault in faults)
        lines = describe_errors(error, tree)
        faults += [line for line in lines if not (line.startswith(lacking) and line.endswith(": is missing"))]
        raise ProvidersFileError([*faults, *_check_rest(tree, error, first_rules)]) from None
    faults += check_file(found, first_rules)
    if faults:
        raise ProvidersFileError(faults)
    return found


def _check_rest(tree: dict[str, Any], error: ValidationError, first_rules: Mapping[str, int]) -> list[str]:
    """Returns the faults of what the model leaves: without unknown keys, and without providers that it refuses."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    found = [(path, problem["type"]) for problem in problems if (path := path_of(problem["loc"], tree))]
    refused: set[object] = set()
    for path, kind in found:
        if kind == "extra_forbidden":
            _drop(tree, path)
        elif path[0] == "providers" and len(path) > 1:
            refused.add(path[1])
        else:
            tree.pop(str(path[0]), None)
    if refused:
        # Routes may lead to what is left out.
        tree.pop("routes", None)
        tree["providers"] = {name: own for name, own in tree["providers"].items() if name not in refused}
    try:
        lines = check_file(ProvidersFile.model_validate({"version": 1} | tree), first_rules)
    except ValidationError:
        return []
    # A rule without one of its conditions may hide others of its provider.
    cut = [
        join_path(path[:2] if "reply" in path else path[:-1])
        for path, kind in found
        if kind == "extra_forbidden" and len(path) > 1
    ]
    return [line for line in lines if " unknown " in line or not any(_within(line, place) for place in cut)]


def _within(line: str, place: str) -> bool:
    """Says whether a fault is at or below this place. Where a key was taken out, another may seem to be missing."""
    return line.startswith(place) and line[len(place) : len(place) + 1] in {".", ":", "["}


def _drop(here: Any, path: Sequence[int | str]) -> None:
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _with_text_keys(one) for key, one in value.items()}
    return [_with_text_keys(one) for one in value] if isinstance(value, list) else value


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) or key is None else str(key)


def _count_first_rules(tree: Mapping[str, Any]) -> dict[str, int]:
    """Counts the rules of each provider that stand in `reply_first`."""
    providers = tree.get("providers")
    if not isinstance(providers, dict):
        return {}
    owns = {name: own.get("reply_first") for name, own in providers.items() if isinstance(own, dict)}
    return {name: len(first) for name, first in owns.items() if isinstance(first, list)}


def _lay_over_presets(tree: dict[str, Any]) -> list[str]:
    """Merges the preset of each provider into it, in place. Returns the faults."""
    faults = []
    found = tree.get("providers")
    providers: dict[str, Any] = found if isinstance(found, dict) else {}
    for name, own in providers.items():
        if not isinstance(own, dict):
            continue
        preset = own.get("preset")
        if preset is not None and (not isinstance(preset, str) or preset not in preset_names()):
            near = suggest(str(preset), preset_names())
            faults.append(f"providers.{name}.preset: unknown preset {preset}{near}")
            preset = None
        providers[name] = merge_provider(read_preset(preset) if preset else {}, own)
    return faults
