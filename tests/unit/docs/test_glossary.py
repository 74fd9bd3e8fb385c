"""docs/glossary.md is sorted, points into the code, and has every status, role and verdict."""

import pytest

from services.dispatcher.claims import claim
from services.dispatcher.provider_api import replies
from shared.statuses import MAILING_STATUSES, MESSAGE_STATUSES, ROLES
from tests.support.markdown import ROOT, read, table_rows
from tests.unit.docs.literals import values_beside

ROWS = list(table_rows(read("docs/glossary.md")))
WORDS = [row[0] for row in ROWS]
VERDICTS = (*values_beside(claim, "send"), *values_beside(replies, "accepted"))
CONSTANTS = (*MAILING_STATUSES, *MESSAGE_STATUSES, *ROLES, *VERDICTS)


def test_words_are_sorted_and_each_is_there_once() -> None:
    assert sorted(set(WORDS), key=str.casefold) == WORDS


@pytest.mark.parametrize("word", sorted(set(CONSTANTS)))
def test_every_constant_of_the_code_is_explained(word: str) -> None:
    assert word in WORDS


@pytest.mark.parametrize("row", ROWS, ids=WORDS)
def test_a_word_has_a_sentence_and_a_file(row: list[str]) -> None:
    _, meaning, where = row
    assert meaning.endswith(".")
    assert [file for file in where.split(", ") if not (ROOT / file).is_file()] == []
