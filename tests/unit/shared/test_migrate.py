"""The migration files are numbered, complete and safe to run."""

import re

import pytest

from shared import migrate
from shared.migrate import Migration

MIGRATIONS = migrate.available()


def test_the_numbers_go_up_from_one_each_once() -> None:
    numbers = [step.number for step in MIGRATIONS]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))


def test_no_file_is_left_out() -> None:
    files = {path.stem for path in migrate.FOLDER.iterdir() if path.suffix == ".sql"}
    assert files == {step.name for step in MIGRATIONS}


@pytest.mark.parametrize("step", MIGRATIONS, ids=lambda step: step.name)
def test_a_migration_that_indexes_concurrently_runs_outside_a_transaction_and_alone(step: Migration) -> None:
    if "CONCURRENTLY" in re.sub(r"--.*", "", step.sql):
        assert step.sql.startswith(migrate.NO_TRANSACTION)
        assert re.sub(r"--.*", "", step.sql).strip().count(";") == 1


def test_the_checksum_is_that_of_the_text() -> None:
    step = Migration(1, "0001_schema", "SELECT 1")
    assert step.checksum == Migration(2, "0002_other", "SELECT 1").checksum
    assert step.checksum != Migration(1, "0001_schema", "SELECT 2").checksum
