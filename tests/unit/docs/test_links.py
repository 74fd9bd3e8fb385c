"""Every relative link and every anchor in the Markdown pages leads somewhere."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.markdown import ROOT, headings, links, list_pages

PAGES = list_pages()


def names_of(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def relative_links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yields the file and the anchor of each link that stays in the repository."""
    for link in links(page.read_text(encoding="utf-8")):
        if "://" not in link and not link.startswith("mailto:"):
            target, _, anchor = link.partition("#")
            yield (page.parent / unquote(target)).resolve() if target else page, anchor


def test_there_are_pages_to_look_at() -> None:
    assert {"README.md", "CHANGELOG.md", "docs/operations.md"} <= set(names_of(PAGES))


@pytest.mark.parametrize("page", PAGES, ids=names_of(PAGES))
def test_a_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    targets = {target for target, _ in relative_links(page)}
    assert {str(target) for target in targets if not (target.exists() and target.is_relative_to(ROOT))} == set()


@pytest.mark.parametrize("page", PAGES, ids=names_of(PAGES))
def test_an_anchor_is_that_of_a_heading(page: Path) -> None:
    wanted = {(target, anchor) for target, anchor in relative_links(page) if anchor and target.suffix == ".md"}
    anchors = {target: {heading.anchor for heading in headings(target.read_text("utf-8"))} for target, _ in wanted}
    assert {f"{target}#{anchor}" for target, anchor in wanted if anchor not in anchors[target]} == set()
