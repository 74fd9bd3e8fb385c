"""The words of the report: each language has all of them, with the same values, and its plural forms."""

import re
from string import Formatter

import pytest

from services.planner.report.words import WORDS, Words, plural

PLURAL = re.compile(r"(.+)_(one|few|many)")


def values_in(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


def test_every_language_has_every_phrase() -> None:
    english, russian = ({key for key in WORDS[language] if not key.endswith("_few")} for language in ("en", "ru"))
    assert english == russian


@pytest.mark.parametrize("key", list(WORDS["en"]))
def test_a_phrase_has_the_same_values_in_both_languages(key: str) -> None:
    assert values_in(WORDS["en"][key]) == values_in(WORDS["ru"][key])


def test_russian_has_three_plural_forms_of_what_english_has_two() -> None:
    counted = {found[1] for key in WORDS["en"] if (found := PLURAL.fullmatch(key))}
    assert {f"{name}_{form}" for name in counted for form in ("one", "few", "many")} <= set(WORDS["ru"])


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (1, "one"),
        (2, "few"),
        (4, "few"),
        (5, "many"),
        (0, "many"),
        (11, "many"),
        (12, "many"),
        (21, "one"),
        (22, "few"),
        (25, "many"),
        (111, "many"),
        (112, "many"),
        (121, "one"),
    ],
)
def test_the_russian_plural_is_that_of_unicode(count: int, form: str) -> None:
    assert plural("ru", count) == form


def test_numbers_have_the_groups_of_their_language() -> None:
    assert Words("en").number(1234567) == "1,234,567"
    assert Words("ru").number(1234567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"
    assert Words("ru").count("trouble", 22).startswith("22 минуты")
