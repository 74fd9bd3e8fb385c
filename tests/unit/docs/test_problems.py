"""docs/problems.md has the table of problem kinds that the API serves."""

import re
from http import HTTPStatus
from pathlib import Path

from services.api.pages.problems import render
from services.api.web.problem_kinds import BY_STATUS, KINDS, address_of

ROW = re.compile(r'^\| (\d+) \| <a id="([a-z-]+)"></a>`\2` \| (.*) \| (.*) \|$', re.MULTILINE)


def test_the_page_has_the_table_of_the_code() -> None:
    rows = ROW.findall(Path("docs/problems.md").read_text())
    assert [(int(status), code, *words) for status, code, *words in rows] == [
        (kind.status, code, kind.meaning, kind.remedy) for code, kind in KINDS.items()
    ]


def test_every_type_points_to_a_row_of_the_page_that_is_served() -> None:
    page = render()
    for code in KINDS:
        assert f'id="{address_of(code).partition("#")[2]}"' in page


def test_the_kinds_of_statuses_have_those_statuses() -> None:
    assert all(KINDS[code].status == status for status, code in BY_STATUS.items())
    assert all(HTTPStatus(kind.status) for kind in KINDS.values())
