"""The words of the console: the same in every language, all of them used, and none outside of their files."""

import re
from collections.abc import Iterator

import pytest

from services.api.audit.log import MailingChange, OtherChange
from services.api.console.files import FOLDER
from services.api.mailings.responses import ByStatus
from services.api.web.problem_kinds import KINDS
from services.dispatcher.provider_api.replies import OUTCOMES
from shared.statuses import DELIVERIES, MAILING_STATUSES, ROLES
from tests.unit.api.console.javascript import Text, arguments_of, texts_of

WORDS = FOLDER / "shared" / "words"
INDEX = (FOLDER / "index.html").read_text()
SOURCES = {
    path.relative_to(FOLDER).as_posix(): path.read_text()
    for path in FOLDER.rglob("*.js")
    if "vendor" not in path.parts and path.name not in ("en.js", "ru.js")
}
PLURALS = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}}
# Names, and what is written the same in both languages.
SAME = {
    *("page_title", "who", "http", "status_count", "part_of_bar", "download_progress"),
    *("detail_http_status", "detail_other", "in_utc", "chart_said", "failed_share", "attention_dead_letters"),
    *("zone_count", "in_brackets"),
}
# Makers of elements, with the place of their first argument that people read.
MAKERS = {"h": 2, "button": 0, "actionButton": 0, "section": 0, "table": 0, "heading": 0, "field": 1, "announce": 0}
READ_ATTRIBUTES = re.compile(
    r'(?:"aria-label"|title|placeholder|alt|label|empty|text|action):\s*["`]([^"`]*[A-Za-z]{2}[^"`]*)'
)
CYRILLIC = re.compile(r"[\u0401\u0410-\u0451]|\u2116")
# Classes of columns.
CLASSES = {"number", "unseen"}
# Examples of values, which are no words.
EXAMPLES = {"79161234567", "916, 903", "vip", "name"}


def entries(language: str) -> dict[str, str | dict[str, str]]:
    """Reads a table of words: a phrase, or a phrase for each plural."""
    source = re.sub(r'"\s*\+ "', "", (WORDS / f"{language}.js").read_text())
    quoted = r'"((?:[^"\\]|\\.)*)"'
    found: dict[str, str | dict[str, str]] = {}
    for name, phrase, forms in re.findall(rf"^  (\w+): (?:{quoted}|\{{(.*?)\}}),$", source, re.MULTILINE | re.DOTALL):
        assert name not in found, f"{name} is there twice"
        found[name] = dict(re.findall(rf"(\w+): {quoted}", forms)) if forms else phrase
    return found


TABLES = {language: entries(language) for language in PLURALS}


def phrases(language: str) -> Iterator[tuple[str, str]]:
    for name, value in TABLES[language].items():
        for phrase in value.values() if isinstance(value, dict) else [value]:
            yield name, phrase


def values_of(phrase: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", phrase))


def test_every_language_has_the_same_words() -> None:
    assert list(TABLES["ru"]) == list(TABLES["en"])
    assert len(TABLES["en"]) > 300


@pytest.mark.parametrize("language", PLURALS)
def test_a_phrase_about_a_number_has_every_plural_of_its_language(language: str) -> None:
    wrong = [
        name for name, value in TABLES[language].items() if isinstance(value, dict) and set(value) != PLURALS[language]
    ]
    assert wrong == []


def test_every_language_has_plurals_for_the_same_phrases() -> None:
    counted = [{name for name, value in table.items() if isinstance(value, dict)} for table in TABLES.values()]
    assert counted[0] == counted[1]


def test_every_language_names_the_same_values() -> None:
    wanted = {name: values_of(phrase) for name, phrase in phrases("en")}
    assert {name for name, phrase in phrases("ru") if values_of(phrase) != wanted[name]} == set()


def test_no_phrase_is_untranslated() -> None:
    assert {name for name, phrase in phrases("ru") if not CYRILLIC.search(phrase)} - SAME == set()
    assert {name for name, phrase in phrases("en") if CYRILLIC.search(phrase)} == set()


def used_in(source: str) -> set[str]:
    """Names the words that a module says, or hands on to be said."""
    return set(re.findall(r'"([a-z][a-z_]*)"', source)) | {
        name
        for prefix in re.findall(r"say(?:Count|With)?\(`([a-z]+_)\$\{", source)
        for name in TABLES["en"]
        if name.startswith(prefix)
    } | {
        name
        for suffix in re.findall(r"say(?:Count)?\(`\$\{\w+\}(_[a-z]+)`", source)
        for name in TABLES["en"]
        if name.endswith(suffix)
    }  # fmt: skip


def test_no_word_is_missing_or_unused() -> None:
    families = {
        name for family in re.findall(r'sayOf\("(\w+)"', "".join(SOURCES.values())) for name in family_of(family)
    }
    families |= {name for family in ("state", "status", "field", "thing") for name in family_of(family)}
    used = set().union(*map(used_in, SOURCES.values())) | set(re.findall(r'data-say="(\w+)"', INDEX)) | families
    assert set(TABLES["en"]) - used == set()
    said = set(re.findall(r'say(?:Count|With)?\("(\w+)"', "".join(SOURCES.values())))
    assert said - set(TABLES["en"]) == set()


def family_of(name: str) -> set[str]:
    return {word for word in TABLES["en"] if word.startswith(f"{name}_")}


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("status", {*ByStatus.model_fields, "count"}),
        ("meaning", set(ByStatus.model_fields)),
        ("state", {*MAILING_STATUSES, "total", "partly", "unsent", "failing"}),
        ("role", set(ROLES)),
        ("delivery", {*DELIVERIES, "unconfirmed", "no_receipt"}),
        ("outcome", {*OUTCOMES, "total", "lost"}),
        ("problem", {code.replace("-", "_") for code in KINDS}),
    ],
)
def test_the_words_for_those_of_the_api_are_complete(family: str, names: set[str]) -> None:
    assert family_of(family) == {f"{family}_{name}" for name in names}


def test_every_kind_of_event_that_can_be_looked_for_has_a_word() -> None:
    listed = re.search(r"export const KINDS = \[(.*?)\];", SOURCES["shared/vocabulary.js"], re.DOTALL)
    assert listed is not None
    kinds = set(re.findall(r'"(\w+)"', listed[1]))
    assert {*MailingChange.__args__, *OtherChange.__args__} <= kinds  # type: ignore[attr-defined]
    assert {f"kind_{kind}" for kind in kinds} <= family_of("kind")


def test_the_page_says_in_english_what_the_table_says() -> None:
    said = dict(re.findall(r'data-say="(\w+)">([^<]+)<', INDEX))
    assert said
    assert said == {name: TABLES["en"][name] for name in said}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_sentence_is_glued_together(name: str) -> None:
    source = SOURCES[name]
    assert not re.search(r"\$\{say\w*\(|\+ say\w*\(|say\w*\([^()]*(?:\([^()]*\))?[^()]*\) \+ ", source)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_literal_text_is_shown(name: str) -> None:
    shown: list[Text] = [
        text
        for maker, first in MAKERS.items()
        for arguments in arguments_of(SOURCES[name], maker)
        for argument in arguments[first:]
        for text in texts_of(argument)
    ]
    assert [text for text in shown if re.search("[A-Za-z]{2}", text) and text not in CLASSES | EXAMPLES] == []
    assert set(READ_ATTRIBUTES.findall(SOURCES[name])) - EXAMPLES == set()
