"""The help and the usage errors of every command are in plain words."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.main import app
from cli.terminal.output import styled
from cli.terminal.wording import count
from tests.support.markdown import ROOT

RUNNER = CliRunner()


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, TyperGroup):
        for name, below in group.commands.items():
            yield from commands(below, *path, name)


EVERY = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: " ".join(path) or "herald")
def test_the_help_of_every_command_is_in_words_and_has_a_short_option(path: tuple[str, ...]) -> None:
    done = RUNNER.invoke(app, [*path, "-h"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert done.exit_code == 0
    assert not re.search(r"<\w+|int range|<=|\|None|Path\b", done.output), done.output
    assert all(len(line) <= 80 for line in done.output.splitlines())


LISTS = [path for path in EVERY if path[-1:] in {("list",), ("show",), ("messages",), ("events",), ("search",)}]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: " ".join(path))
def test_all_that_is_listed_or_shown_is_also_json(path: tuple[str, ...]) -> None:
    assert "--json" in RUNNER.invoke(app, [*path, "-h"]).output
    if path not in {
        ("token", "list"),
        ("sessions", "list"),
        ("providers", "list"),
        ("mailings", "show"),
        ("clients", "show"),
        ("segments", "show"),
    }:
        assert "--limit" in RUNNER.invoke(app, [*path, "-h"]).output


def test_there_are_the_commands_that_an_operator_needs() -> None:
    found = {" ".join(path) for path in EVERY}
    mailings = ("list", "show", "create", "edit", "delete", "pause", "resume", "cancel", "resend", "messages", "watch")
    clients = ("list", "search", "show", "create", "edit", "delete", "import", "export")
    assert found >= {f"mailings {name}" for name in mailings} | {f"clients {name}" for name in clients}


def test_every_command_has_a_row_in_its_page() -> None:
    page = (ROOT / "docs/cli.md").read_text()
    leaves = {path for path in EVERY if path and not any(other[:-1] == path for other in EVERY)}
    assert {path for path in leaves if f"| `herald {' '.join(path)}` |" not in page} == set()


def test_the_version_is_shown() -> None:
    done = RUNNER.invoke(app, ["--version"])
    assert (done.exit_code, bool(re.fullmatch(r"herald \d+\.\d+\.\d+\S*\n", done.output))) == (0, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_and_values_are_completed_in_every_usual_shell(shell: str) -> None:
    words = "herald mailings list --status "
    env = {
        "_HERALD_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": words,
        "COMP_CWORD": "4",
    }
    done = RUNNER.invoke(app, [], prog_name="herald", env=env)
    assert (done.exit_code, "cancelled" in done.output) == (0, True), done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--workers", "none"], "must be a whole number"),
        (["up", "--workers", "100"], "must be at most 64"),
        (["trace", "--message", "0"], "must be at least 1"),
        (["bench", "--failures", "some"], "must be a number"),
        (["report", "--date", "31.01.2030"], "is not a date such as 2030-01-31"),
        (["mailings", "create", "--text", "a", "--end-at", "+2h", "--window", "9-21"], "such as 09:00-21:00"),
    ],
)
def test_a_wrong_value_is_refused_in_words(words: list[str], said: str) -> None:
    done = RUNNER.invoke(app, words, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not re.search(r"Input should|[\^\\]", done.output)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages"), (12345, "12,345 messages")]
)
def test_a_noun_agrees_with_its_number(number: int, words: str) -> None:
    assert count(number, "message") == words


class Terminal:
    def isatty(self) -> bool:
        return True


def test_no_colour_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal: Any = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in styled("wrong", terminal, fg="red")
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("wrong", terminal, fg="red") == "wrong"
