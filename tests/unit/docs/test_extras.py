"""docs/extras.md has the twelve extras, and each is shown by commands, files and pictures that there are."""

import re
import shlex

import pytest
import typer

from cli.main import app
from tests.support.markdown import ROOT, inline_codes, read, section, table_rows

PAGE = read("docs/extras.md")
ROWS = list(table_rows(PAGE))
IN_ROWS = [code for row in ROWS for code in inline_codes(row[2])]
RUN = re.findall(r"^    \$ (.*)$", PAGE, re.MULTILINE)
COMMANDS = sorted({part.strip() for line in [*IN_ROWS, *RUN] for part in line.split("|")})
# Programs that every machine of a developer has, and what only cuts their output to size.
TOOLS = frozenset({"curl", "grep", "sort", "uniq", "cut", "tail", "docker", "kubectl", "sed"})
TARGETS = frozenset(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


def test_there_are_twelve_each_with_a_section_of_its_own() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 13)]
    for row in ROWS:
        title = re.search(r"^## (" + row[0] + r"\. .*)$", PAGE, re.MULTILINE)
        assert title, row
        assert section(PAGE, title[1]).strip()


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_that_there_is(line: str) -> None:
    program, *words = shlex.split(line)
    if program == "make":
        assert words[0] in TARGETS
    elif program == "herald":
        names, options = herald_options(words)
        assert {word for word in words if word.startswith("--")} <= options, names
    elif program.startswith("."):
        assert (ROOT / program).exists() or program.startswith(".venv/")
    else:
        assert program in TOOLS, line


@pytest.mark.parametrize("word", sorted({word for line in COMMANDS for word in shlex.split(line) if "/" in word}))
def test_a_file_of_a_command_is_there(word: str) -> None:
    if not word.startswith(("http", "/", ".venv/")):
        assert (ROOT / word.removeprefix("ARGS=")).exists()


def herald_options(words: list[str]) -> tuple[list[str], set[str]]:
    """Returns the names of a herald command, and its options."""
    group = typer.main.get_command(app)
    names: list[str] = []
    for word in words:
        found = getattr(group, "commands", {}).get(word)
        if found is None:
            break
        group = found
        names.append(word)
    assert names, words
    return names, {option for parameter in group.params for option in parameter.opts}
