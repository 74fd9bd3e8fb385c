"""The README's table of variables has every setting that a process or a command reads, and no other."""

from shared.settings import PREFIX
from tests.support.markdown import read, section, table_rows
from tests.unit.deploy.variables import known

# Read by the tests themselves, not by a settings class.
OF_THE_TESTS = frozenset({"HERALD_TEST_DATABASE_URL", "HERALD_TEST_RABBITMQ_URL"})


def test_the_table_has_exactly_the_variables_that_are_read() -> None:
    rows = table_rows(section(read("README.md"), "Configuration"))
    documented = [f"{PREFIX}{name}" for names, *_ in rows for name in names.split(", ")]
    assert sorted(documented) == sorted(known() | OF_THE_TESTS)
