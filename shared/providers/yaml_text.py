"""Reads YAML as people mean it: only true and false are truth values, only plain numbers are numbers. Pure."""

import re
from typing import Any

import yaml


class YamlFault(Exception):
    """The text is no YAML that can be read, or a key stands twice. The message names the line."""


class _Loader(yaml.SafeLoader):
    """A safe loader without YAML 1.1's surprises: `on`, `12:30` and `2026-01-01` stay texts, `0123` too."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", "true|false", ["t", "f"]),
    ("null", "~|null|", ["~", "n", ""]),
    ("int", "-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def read_yaml(text: str) -> Any:
    """Reads a text. Raises YamlFault."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _refuse_twins(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise YamlFault(_words(error)) from None


def _refuse_twins(root: yaml.Node) -> None:
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            _check_keys(node)
            waiting += [value for _, value in node.value]


def _check_keys(node: yaml.MappingNode) -> None:
    known: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlFault(f'line {line}: a key must be a text, and a placeholder stands in quotes: "{{{{name}}}}"')
        if key.value in known and key.tag != "tag:yaml.org,2002:merge":
            raise YamlFault(f"line {line}: the key {key.value} stands twice")
        known.add(key.value)


def _words(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not readable"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
