"""Says in words what an option takes, and what is wrong with its value, instead of types and pydantic's sentences."""

import errno
import os
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

# What the help shows in place of a type of Python.
WORDS = {"int": "NUMBER", "float": "NUMBER", "Path": "FILE", "datetime": "DATE"}
# Parts of typer's messages.
PLAIN = {"does not match the formats '%Y-%m-%d'": "is not a date such as 2030-01-31"}
# Bounds of types, not of sense: nobody reads them.
UNTOLD = 10_000_000
# Of a file that standard output goes to.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

Parameter = TyperOption | TyperArgument


def _is_text(argument: str) -> bool:
    """Returns whether an argument was UTF-8; the bytes of others come as lone surrogates."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


class WordedGroup(TyperGroup):
    """The root of the command. The help and the errors of all commands name no types of Python."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # What is left out of a filter would widen it. Names of files may have any bytes.
        if any(not _is_text(argument) and not os.path.lexists(argument) for argument in args):
            ctx.fail("an argument is not text in UTF-8, nor a file that exists")
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> Any:
        found = super().get_params(ctx)
        for parameter in (*self.params, self.get_help_option(ctx)):
            _name_type(parameter)
        return found

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            for parameter in _parameters_of(found, ctx):
                _name_type(parameter)
        return found

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # Imported here, since few commands end so, and every start would wait for it.
            from pydantic import ValidationError

            from shared.wording import message_of

            if isinstance(error.__cause__, ValidationError):
                error.message = message_of(error.__cause__.errors(include_url=False)[0])
            for said, words in PLAIN.items():
                error.message = error.message.replace(said, words)
            raise
        except OSError as error:
            if error.filename is not None or error.errno not in _NO_ROOM:
                raise
            from cli.terminal.output import complain, forget_output

            forget_output()
            complain(f"the output cannot be written: {error.strerror}")
            raise typer.Exit(1) from error


def _parameters_of(command: Any, ctx: Any) -> Iterator[Parameter]:
    """Yields all parameters of a command and of the commands below it."""
    yield from command.params
    yield command.get_help_option(ctx)
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            yield from _parameters_of(below, ctx)


def _name_type(parameter: Any) -> None:
    """Sets what the help shows of a parameter's type and bounds. typer has no setting for them."""
    words = _words_for(parameter)
    parameter.display_type_rich = lambda ctx: words
    bounds = _bounds_in_words(parameter.min, parameter.max)
    parameter._get_number_range_help_str = lambda: bounds


def _words_for(parameter: Parameter) -> str:
    if isinstance(parameter, TyperArgument):
        # Its name says it.
        return ""
    if parameter.metavar is not None:
        return parameter.metavar
    if parameter.is_flag:
        return ""
    choices = parameter.type_descriptor.choices
    if choices:
        return f"[{'|'.join(map(str, choices))}]"
    return WORDS.get(parameter.bare_type().removeprefix("list[").removesuffix("]"), "TEXT")


def _bounds_in_words(least: float | None, most: float | None) -> str | None:
    if most is None or most >= UNTOLD:
        return None if least in (None, 0, 1) else f"from {_number(least)}"
    return f"up to {_number(most)}" if least is None else f"{_number(least)} to {_number(most)}"


def _number(bound: float) -> str:
    return f"{bound:,}"
