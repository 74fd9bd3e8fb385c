"""The mappings that come with Herald, one YAML file each."""

from functools import cache
from importlib.resources import files
from typing import Any

from shared.providers.yaml_text import read_yaml

_FOLDER = files("shared.providers").joinpath("presets")


@cache
def preset_names() -> frozenset[str]:
    """Names the presets."""
    return frozenset(one.name.removesuffix(".yaml") for one in _FOLDER.iterdir() if one.name.endswith(".yaml"))


def read_preset(name: str) -> dict[str, Any]:
    """Reads a preset. Raises KeyError for a name that none has."""
    if name not in preset_names():
        raise KeyError(name)
    tree: dict[str, Any] = read_yaml(_FOLDER.joinpath(f"{name}.yaml").read_text("utf-8"))
    return tree
