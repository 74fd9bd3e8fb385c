"""What is wrong with a value is said in Russian, too: what the API says of the values of forms has a translation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.clients.import_.csv_files import phones
from services.api.clients.import_.csv_files.columns import UNKNOWN_ZONE
from services.api.console.files import FOLDER
from shared import wording
from shared.audience.reading import DATE_MISSING

SOURCE = re.sub(r'"\s*\+ "', "", (FOLDER / "shared" / "words" / "faults_ru.js").read_text())
FAULTS = dict(re.findall(r'^  \["((?:[^"\\]|\\.)*)",\s+"((?:[^"\\]|\\.)*)"\],$', SOURCE, re.MULTILINE))
HOUSE = Path(__file__).parents[4]
FOLDERS = (HOUSE / "services" / "api", HOUSE / "shared" / "audience")
LITERAL = re.compile(
    r'(?:raise ValueError|_wrong_end_at|BadLine|BadHeader)\(\s*r?f?"([^"]+)"|InvalidValue\(\s*\([^()]*\),\s*f?"([^"]+)"'
    # The place comes first, and may be the name of a key.
    r'|(?:WrongFilter|WrongText)\((?:[^"\n]|"\w+"[,)])*,\s*f?"([^"]+)"'
)
CONTINUED = re.compile(r'"\s*\n\s*r?f?"')
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
        parts = re.split(r"\{\w+\}", sentence)
        yield re.compile(".+".join(re.escape(part) for part in parts))


PATTERNS = list(patterns())


def sentences() -> Iterator[str]:
    """Yields what the types of fields say, and what the rules of the API say."""
    yield from wording.PATTERNS.values()
    for kind, say in wording._WORDS.items():
        if kind != "string_pattern_mismatch":
            yield say(CONTEXT)
    yield from (phones.SHORTENED, phones.WITH_DECIMALS, phones.NO_PHONE, UNKNOWN_ZONE.partition(": ")[2], DATE_MISSING)
    for path in (path for folder in FOLDERS for path in folder.rglob("*.py")):
        if "sign_in" not in path.parts:
            for groups in LITERAL.findall(CONTINUED.sub("", path.read_text())):
                sentence = next(filter(None, groups))
                # What has no word of its own names the place of another fault.
                if sentence not in OF_PROGRAMS and re.search(r"[a-z]{4}", re.sub(r"\{[^}]*\}", "", sentence)):
                    yield re.sub(r"\{[^}]*\}", "1", sentence)


@pytest.mark.parametrize("sentence", sorted(set(sentences())))
def test_a_sentence_of_the_api_has_a_translation(sentence: str) -> None:
    assert any(pattern.fullmatch(sentence) for pattern in PATTERNS)


@pytest.mark.parametrize(("english", "russian"), FAULTS.items())
def test_a_translation_is_russian_and_has_the_same_values(english: str, russian: str) -> None:
    words = re.sub(r"\{\w+\}", "", russian)
    assert re.search(r"[\u0430-\u044f]", words) or not re.search(r"\w", words)
    assert set(re.findall(r"\{\w+\}", russian)) <= set(re.findall(r"\{\w+\}", english))
