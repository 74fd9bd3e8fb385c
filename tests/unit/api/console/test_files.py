"""The files of the console: a folder for each page, modules that import by relative paths, and the words of the API."""

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from services.api.console.files import FOLDER, served
from services.api.mailings import rules
from services.api.mailings.responses import ByStatus
from shared.statuses import MAILING_STATUSES, ROLES, UNSENT_STATUSES
from shared.topology import DeadQueue

INDEX = (FOLDER / "index.html").read_text()
VOCABULARY = (FOLDER / "shared" / "vocabulary.js").read_text()
MODULES = {
    path.relative_to(FOLDER).as_posix(): path
    for path in FOLDER.rglob("*.js")
    if not path.is_relative_to(FOLDER / "vendor")
}
LARGEST_FOLDER = 20
LONGEST_LINE = 120


def imports_of(name: str) -> set[str]:
    """Names the files that a module imports, by their paths below the folder."""
    found = re.findall(r'^(?:import|\}) .*?from "(\.[^"]+)";$', MODULES[name].read_text(), re.MULTILINE)
    return {(MODULES[name].parent / path).resolve().relative_to(FOLDER).as_posix() for path in found}


def test_every_file_in_the_folder_is_served_or_known() -> None:
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert files == {*served(), "index.html", "README.md", "vendor/uPlot.esm.d.ts"}


def test_no_folder_has_more_files_than_can_be_taken_in_at_once() -> None:
    folders = [FOLDER, *(path for path in FOLDER.rglob("*") if path.is_dir())]
    assert {path.name for path in folders if len(list(path.iterdir())) > LARGEST_FOLDER} == set()


def test_everything_that_the_page_and_its_modules_name_is_served() -> None:
    named = set(re.findall(r'(?:src|href)="console/([^"]+)"', INDEX))
    assert named
    assert named.union(*map(imports_of, MODULES)) <= set(served())


def test_every_module_of_ours_is_reached_from_the_page() -> None:
    reached, to_read = set[str](), ["main.js"]
    while to_read:
        name = to_read.pop()
        reached.add(name)
        to_read += (imports_of(name) & set(MODULES)) - reached
    assert reached == set(MODULES)


def test_every_stylesheet_is_named_by_the_page() -> None:
    assert {path for path in served() if path.endswith(".css")} == set(
        re.findall(r'href="console/([^"]+\.css)"', INDEX)
    )


def test_shared_modules_import_no_page() -> None:
    shared = [name for name in MODULES if name.startswith("shared/")]
    assert {path.split("/")[0] for name in shared for path in imports_of(name)} == {"shared"}


def test_no_imports_run_in_circles() -> None:
    try:
        TopologicalSorter({name: imports_of(name) for name in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_of_ours_can_read_text_as_html_or_code(name: str) -> None:
    source = MODULES[name].read_text()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in source


def test_nothing_but_the_language_outlives_the_browser() -> None:
    assert {name for name, path in MODULES.items() if "localStorage" in path.read_text()} == {
        "shared/words/language.js"
    }


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_line_is_longer_than_those_of_python(name: str) -> None:
    assert max(map(len, MODULES[name].read_text().splitlines())) <= LONGEST_LINE


def test_the_page_has_nothing_inline() -> None:
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]* src=)", INDEX)


def words(name: str) -> Any:
    """Reads a list of quoted words out of vocabulary.js."""
    found = re.search(rf"export const {name} = \[(.*?)\];", VOCABULARY)
    assert found is not None
    return re.findall(r'"([^"]+)"', found[1])


def table(name: str) -> dict[str, set[str]]:
    """Reads an object of lists of quoted words out of vocabulary.js."""
    found = re.search(rf"export const {name} = {{(.*?)}};", VOCABULARY, re.DOTALL)
    assert found is not None
    return {key: set(re.findall(r'"([^"]+)"', listed)) for key, listed in re.findall(r"(\w+): \[(.*?)\]", found[1])}


def test_the_words_of_the_console_are_those_of_the_api() -> None:
    assert words("STATUSES") == list(ByStatus.model_fields)
    assert words("STATES") == list(MAILING_STATUSES)
    assert words("UNSENT") == list(UNSENT_STATUSES)
    assert words("QUEUES") == list(DeadQueue.__args__)  # type: ignore[attr-defined]
    assert words("ROLES") == list(ROLES)


def test_the_console_offers_what_the_rules_of_the_api_allow() -> None:
    editable = {state: fields for state, fields in table("EDITABLE").items() if fields}
    assert editable == {state: set(fields) for state, fields in rules.EDITABLE.items()}
    moving = {
        action: {state for state, target in moves.items() if state != target} for action, moves in rules.MOVES.items()
    }
    assert table("ACTIONS") == moving
