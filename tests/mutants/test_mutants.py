"""Every mutant fits the code as it is, names tests that are there, and stands in docs/reliability.md."""

import ast
import re
from collections import Counter

import pytest

from tests.mutants.mechanisms import MUTANTS
from tests.mutants.mutant import Mutant, Patch, PatchOutdated
from tests.support.markdown import ROOT, read

MIGRATIONS = "shared/migrations"
FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)")
APPLYING = [one for one in MUTANTS if one.applies(ROOT)]


@pytest.mark.parametrize("mutant", APPLYING, ids=lambda mutant: mutant.mechanism)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    mutant.check(ROOT)


@pytest.mark.parametrize("mutant", APPLYING, ids=lambda mutant: mutant.mechanism)
def test_no_later_migration_puts_back_what_a_mutant_takes_out(mutant: Mutant) -> None:
    for patch in mutant.patches:
        if not patch.path.startswith(MIGRATIONS):
            continue
        before = read(patch.path).partition(patch.old)[0]
        function = (FUNCTION.findall(before) or FUNCTION.findall(patch.old))[-1]
        replaced = re.compile(rf"(?:CREATE OR REPLACE|DROP) FUNCTION {function}\b")
        later = [path for path in sorted((ROOT / MIGRATIONS).glob("*.sql")) if path > ROOT / patch.path]
        assert [path.name for path in later if replaced.search(path.read_text())] == []


@pytest.mark.parametrize("mutant", APPLYING, ids=lambda mutant: mutant.mechanism)
def test_the_tests_of_a_mutant_are_there(mutant: Mutant) -> None:
    for name in mutant.tests:
        path, _, function = name.partition("::")
        tree = ast.parse(read(path))
        functions = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in functions, name


@pytest.mark.parametrize("mutant", APPLYING, ids=lambda mutant: mutant.mechanism)
def test_a_mutant_is_in_the_table_with_the_test_that_notices(mutant: Mutant) -> None:
    rows = [line for line in read("docs/reliability.md").splitlines() if line.startswith(f"| {mutant.mechanism} |")]
    assert len(rows) == 1
    assert any(test in rows[0] for test in mutant.tests)


def test_each_mechanism_is_taken_out_once() -> None:
    assert [name for name, count in Counter(one.mechanism for one in APPLYING).items() if count > 1] == []


@pytest.mark.parametrize("text", ["nothing of the kind", "twice twice"])
def test_a_patch_whose_text_is_gone_is_refused(text: str) -> None:
    with pytest.raises(PatchOutdated, match="and not once"):
        Patch("a.py", "twice", "never").applied_to(text)
