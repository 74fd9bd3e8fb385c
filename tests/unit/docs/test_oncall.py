"""The table of faults in docs/operations.md, which `make oncall` prints, agrees with the faults and with the rules."""

import re

from tests.oncall.faults import FAULTS
from tests.support.markdown import read, section, table_rows
from tests.unit.deploy.test_alerts import NAMES

ROWS = list(table_rows(section(read("docs/operations.md"), "What each fault looks like")))
PAGES = {fault.name: fault.page for fault in FAULTS}


def test_each_fault_of_the_table_is_one_that_is_played_and_has_the_page_that_is_expected() -> None:
    for fault, _, page in ROWS:
        assert page == (PAGES[fault] or "nobody"), fault


def test_every_fault_is_in_the_table_once() -> None:
    assert [fault for fault, *_ in ROWS] == [fault.name for fault in FAULTS]
    assert sum(fault.page is not None for fault in FAULTS) >= 30


def test_the_table_names_alerts_that_there_are() -> None:
    named = {name for _, alerts, _ in ROWS for name in re.findall(r"Herald\w+", alerts)}
    assert named <= set(NAMES)
