"""What is wrong with a value is said in Russian, too: what the API says of the values of forms has a translation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.console.files import FOLDER
from shared import wording
from shared.audience import personal_text

SOURCE = re.sub(r'"\s*\+ "', "", (FOLDER / "shared" / "words" / "faults_ru.js").read_text())
FAULTS = dict(re.findall(r'^  \["((?:[^"\\]|\\.)*)",\s+"((?:[^"\\]|\\.)*)"\],$', SOURCE, re.MULTILINE))
API = Path(__file__).parents[4] / "services" / "api"
AUDIENCE = Path(__file__).parents[4] / "shared" / "audience"
# What says why a line of a file, a condition or a placeholder is wrong.
RAISED = {"BadLine", "BadHeader", "Unrepairable", "WrongFilter", "WrongText", "Rejected"}
# A translation of what stands before a fault: it translates no sentence of its own.
PREFIX = "{name}: {fault}"
LITERAL = re.compile(r'(?:raise ValueError|_wrong_end_at)\(\s*f?"([^"]+)"|InvalidValue\(\s*\([^()]*\),\s*f?"([^"]+)"')
# Where the console sends nothing that could be refused so: paths, headers, settings and files that only programs send.
OF_PROGRAMS = (
    "must be 1 to 255 printable ASCII characters",
    "was used with a different body",
    "must be the one in the path, or left out",
    "is required with header=false",
    "must have at least {LEAST_KEY} characters; `openssl rand -base64 32` makes one",
    "off is refused unless HERALD_API_HOST is a loopback address",
    "{zone!r} is not an IANA time zone",
    "must name {', '.join(FIELDS)}, attributes.NAME, or - for nothing",
    "{name} is no attribute",
    "must name phone, attributes.NAME, or - for nothing",
    "must name phone, reason, or - for nothing",
)
CONTEXT = {"min_length": 2, "max_length": 5, "ge": 1, "le": 9, "gt": 1, "lt": 9, "expected": "'a' or 'b'"}


def patterns() -> Iterator[re.Pattern[str]]:
    for sentence in FAULTS:
        if sentence == PREFIX:
            continue
        parts = re.split(r"\{\w+\}", sentence)
        yield re.compile(".+".join(re.escape(part) for part in parts))


PATTERNS = list(patterns())


def sentences() -> Iterator[str]:
    """Yields what the types of fields say, and what the rules of the API say."""
    yield from wording.PATTERNS.values()
    for kind, say in wording._WORDS.items():
        if kind != "string_pattern_mismatch":
            yield say(CONTEXT)
    for path in API.rglob("*.py"):
        if "sign_in" not in path.parts:
            for groups in LITERAL.findall(path.read_text()):
                sentence = next(filter(None, groups))
                # What has no word of its own names the place of another fault.
                if sentence not in OF_PROGRAMS and re.search(r"[a-z]{4}", re.sub(r"\{[^}]*\}", "", sentence)):
                    yield re.sub(r"\{[^}]*\}", "1", sentence)


def raised() -> Iterator[str]:
    """Yields the sentences with which files, conditions and placeholders are refused, with 1 for each value."""
    for path in (*API.rglob("*.py"), *AUDIENCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                for argument in node.args:
                    found = constants.get(argument.id) if isinstance(argument, ast.Name) else argument
                    # Without the name of the column in front, which {name} stands for.
                    sentence = "" if found is None else re.sub(r"^\w+(\.1)?: ", "", text_of(found))
                    if re.search("[a-z]{4}", sentence) and sentence not in OF_PROGRAMS:
                        yield sentence


def text_of(node: ast.expr) -> str:
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in values)
        case _:
            return ""


# Made by functions, which nobody raises by their text.
MADE = (
    "it has 1 value where the header names 3",
    "it has 2 values where the map names 3",
    "it has 1 value where the header names 3: the values are separated by semicolons",
    "a quote in the first line is not closed",
    "the first line cannot be read: it is not UTF-8",
    "{{ is not closed by }}; write \\{{ for two braces",
    personal_text._explain("{{ }}"),
)


@pytest.mark.parametrize("sentence", sorted({*sentences(), *raised(), *MADE}))
def test_a_sentence_of_the_api_has_a_translation(sentence: str) -> None:
    # The name of a value in front has a translation of its own.
    said = (sentence, sentence.removeprefix("1: "))
    assert any(pattern.fullmatch(one) for pattern in PATTERNS for one in said)


@pytest.mark.parametrize(("english", "russian"), FAULTS.items())
def test_a_translation_is_russian_and_has_the_same_values(english: str, russian: str) -> None:
    words = re.sub(r"\{\w+\}", "", russian)
    assert re.search(r"[\u0430-\u044f]", words) or not re.search(r"\w", words)
    assert set(re.findall(r"\{\w+\}", russian)) <= set(re.findall(r"\{\w+\}", english))
