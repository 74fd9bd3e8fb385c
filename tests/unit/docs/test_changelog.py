"""CHANGELOG.md keeps the form of Keep a Changelog, and its newest release is the version of the package."""

import re
import tomllib
from datetime import date

import pytest

from tests.support.markdown import headings, read, section

TEXT = read("CHANGELOG.md")
VERSIONS = [heading.text for heading in headings(TEXT) if heading.level == 2]
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
RELEASE = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)")


def releases() -> list[tuple[tuple[int, ...], date]]:
    """Lists the released versions with their dates, as they stand there."""
    found = [RELEASE.fullmatch(title) for title in VERSIONS[1:]]
    assert None not in found
    return [(tuple(map(int, one.groups()[:3])), date.fromisoformat(one[4])) for one in found if one is not None]


def test_what_is_unreleased_comes_first() -> None:
    assert VERSIONS[0] == "[Unreleased]"


def test_releases_follow_from_the_newest_to_the_oldest() -> None:
    assert releases() == sorted(releases(), reverse=True)
    assert len({version for version, _ in releases()}) == len(releases())


def test_the_newest_release_is_the_version_of_the_package() -> None:
    (version, _), *_ = releases()
    assert ".".join(map(str, version)) == tomllib.loads(read("pyproject.toml"))["project"]["version"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_has_kinds_of_changes_in_order_and_none_is_empty(version: str) -> None:
    text = section(TEXT, version)
    kinds = [heading.text for heading in headings(text)]
    assert kinds == [kind for kind in KINDS if kind in kinds]
    assert [kind for kind in kinds if not section(text, kind).strip().startswith("- ")] == []
