"""Commands that are imported when they are called: most load libraries that others, and processes, do not need."""

import importlib
from collections import UserDict
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from cli.terminal.usage import WordedGroup

# "module:attribute". The attribute is a Typer app with commands of its own, or the function of one command.
Source = str


class LazyCommands(UserDict[str, Any]):
    """The commands of a group by name: sources, each of which is imported when its command is looked up."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, Source):
            found = self.data[name] = _load(name, found)
        return found


def lazy_group(sources: Mapping[str, Source]) -> type[TyperGroup]:
    """Returns the class of a group that has the commands of `sources`, and after them those that are added to it."""

    class LazyGroup(WordedGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.commands = LazyCommands({**sources, **self.commands})

    return LazyGroup


def _load(name: str, source: Source) -> Any:
    module, _, attribute = source.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = "markdown"
        group = get_group(found)
        group.name = name
        return group
    single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    single.command(name)(found)
    return get_command(single)
