"""docs/architecture.md answers a newcomer's questions with files that exist, and draws the states that the code has."""

import ast
import re

import pytest

from services.dispatcher.admission import breaker
from shared.statuses import MAILING_STATUSES, MESSAGE_STATUSES
from tests.support.markdown import ROOT, fenced, inline_codes, read, section, table_rows
from tests.unit.docs.literals import values_beside

PAGE = read("docs/architecture.md")
QUESTIONS = list(table_rows(section(PAGE, "Where is it?")))
PROMISES = list(table_rows(section(PAGE, "Where each promise is kept")))
ARROW = re.compile(r"^\s*(\S+) --> ([^\s:]+)", re.MULTILINE)
NAME = re.compile(r"^\s*(\w+): (\S+)$", re.MULTILINE)


def states_drawn(title: str) -> set[str]:
    """Names the states of a diagram; one whose name is no word has it written out: `halfopen: half-open`."""
    (diagram,) = fenced(section(PAGE, title), "mermaid")
    names = dict(NAME.findall(diagram))
    states = {state for arrow in ARROW.findall(diagram) for state in arrow if state != "[*]"}
    return {names.get(state, state) for state in states}


def functions_in(path: str) -> set[str]:
    """Names the functions that a file defines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_there_are_38_questions_and_each_is_asked_once() -> None:
    assert len(QUESTIONS) == 38
    assert len({question for question, _ in QUESTIONS}) == 38


@pytest.mark.parametrize(("question", "answer"), QUESTIONS)
def test_a_question_is_answered_by_a_file(question: str, answer: str) -> None:
    files = inline_codes(answer)
    assert files
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_promise_is_there() -> None:
    assert [row[0] for row in PROMISES] == [f"I{number}" for number in range(1, 10)]


@pytest.mark.parametrize("row", PROMISES, ids=[row[0] for row in PROMISES])
def test_a_promise_names_the_files_that_keep_it_and_tests_that_can_fail(row: list[str]) -> None:
    _, _, kept_in, tests = row
    assert [file for file in kept_in.split(", ") if not (ROOT / file).is_file()] == []
    named = [code.split("::") for code in inline_codes(tests)]
    assert named
    assert [(path, test) for path, test in named if test not in functions_in(path)] == []


@pytest.mark.parametrize(
    ("title", "states"),
    [
        ("States of a mailing", MAILING_STATUSES),
        ("States of a message", MESSAGE_STATUSES),
        ("States of the breaker", values_beside(breaker, "half-open")),
    ],
)
def test_a_diagram_has_the_states_of_the_code(title: str, states: tuple[str, ...]) -> None:
    assert states_drawn(title) == set(states)
