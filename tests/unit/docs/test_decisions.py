"""Decision notes have one form, and docs/decisions/README.md lists all of them in order."""

import re
from datetime import date

import pytest

from tests.support.markdown import ROOT, headings, read, section, table_rows

FOLDER = ROOT / "docs" / "decisions"
NOTES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
NAMES = [path.name for path in NOTES]
INDEX = list(table_rows(read("docs/decisions/README.md")))
SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"]
HEAD = re.compile(r"# (\d{4}): (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: (.+)\n")
STATUS = re.compile(r"accepted|superseded by (\d{4})")


def head_of(name: str) -> tuple[str, ...]:
    """Returns number, title, date and status of a note."""
    found = HEAD.match(read(f"docs/decisions/{name}"))
    assert found is not None, f"{name} must begin with '# NNNN: Title', its date and its status"
    return found.groups()


def test_numbers_are_given_once() -> None:
    numbers = [name[:4] for name in NAMES]
    assert sorted(set(numbers)) == numbers


@pytest.mark.parametrize("name", NAMES)
def test_a_note_has_number_title_date_and_status(name: str) -> None:
    number, title, day, status = head_of(name)
    assert re.fullmatch(rf"{number}-[a-z0-9]+(-[a-z0-9]+)*\.md", name)
    assert not title.endswith(".")
    assert date.fromisoformat(day)
    accepted = STATUS.fullmatch(status)
    assert accepted is not None
    # A note that is superseded leads to the one that took its place.
    assert accepted[1] is None or f"]({accepted[1]}-" in read(f"docs/decisions/{name}")


@pytest.mark.parametrize("name", NAMES)
def test_a_note_has_every_section_in_order_and_none_is_empty(name: str) -> None:
    text = read(f"docs/decisions/{name}")
    assert [heading.text for heading in headings(text) if heading.level == 2] == SECTIONS
    assert [title for title in SECTIONS if not section(text, title).strip()] == []


@pytest.mark.parametrize("name", NAMES)
def test_alternatives_are_a_list(name: str) -> None:
    assert re.search(r"^- ", section(read(f"docs/decisions/{name}"), "Alternatives"), re.MULTILINE)


def test_the_index_lists_every_note_in_order_as_it_names_itself() -> None:
    heads = {name: head_of(name) for name in NAMES}
    expected = [[f"[{number}]({name})", *named] for name, (number, *named) in heads.items()]
    assert expected == INDEX
