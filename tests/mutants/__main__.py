"""Takes one mechanism out at a time, in a copy of the working tree, and prints which test noticed.

Ends with 1 if one of the mutants survived.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.mechanisms import MUTANTS
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
SECONDS = 600
TRIES = 3
HEAD = ("| mechanism | test that noticed |", "|---|---|")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("-k", default="", metavar="WORD", help="only mechanisms whose name has this word")
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="1/4", help="only the first fourth of them")
    parser.add_argument("--list", action="store_true", help="print the table as it should be, and run nothing")
    parser.add_argument("--no-first-run", action="store_true", help="do not run the tests without a mutant first")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if options.k in mutant.mechanism and mutant.applies(ROOT)]
    number, parts = options.part
    chosen = chosen[len(chosen) * (number - 1) // parts : len(chosen) * number // parts]
    for mutant in chosen:
        mutant.check(ROOT)
    if options.list:
        _tell(*HEAD, *(_row(mutant, mutant.tests[0]) for mutant in chosen))
        return 0
    with _copy_of_the_tree() as copy:
        if not options.no_first_run:
            _run_unchanged(copy, chosen)
        return 1 if _run_all(copy, chosen) else 0


def _part(text: str) -> tuple[int, int]:
    """Reads "2/4" as the second of four parts. Raises ArgumentTypeError."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 2/4")
    return int(number), int(parts)


def _run_unchanged(copy: Path, chosen: Sequence[Mutant]) -> None:
    """Runs the tests without a mutant: a test that fails anyway proves nothing.

    What fails is run again by itself, since on a busy machine a bound of time may not hold once.
    """
    left = sorted({test for mutant in chosen for test in mutant.tests})
    for _ in range(TRIES):
        left = _failures(copy, left)
        if not left:
            return
    sys.exit(f"{', '.join(left)} fails without any mutant")


def _run_all(copy: Path, chosen: Sequence[Mutant]) -> int:
    """Runs the mutants one after the other, and returns how many survived."""
    _tell(*HEAD)
    survivors = 0
    for mutant in chosen:
        with _applied(mutant, copy):
            noticed = _first_failure(copy, mutant.tests)
        survivors += noticed is None
        _tell(_row(mutant, noticed))
    _tell(f"{len(chosen)} mutants, {survivors} survived")
    return survivors


@contextlib.contextmanager
def _copy_of_the_tree() -> Iterator[Path]:
    """Copies what git knows or would add, with the changes that are not committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    with tempfile.TemporaryDirectory(prefix="herald-mutants-") as folder:
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        yield Path(folder)


@contextlib.contextmanager
def _applied(mutant: Mutant, copy: Path) -> Iterator[None]:
    """Applies the patches, and takes them back at the end."""
    before = {copy / patch.path: (copy / patch.path).read_text() for patch in mutant.patches}
    try:
        for patch in mutant.patches:
            path = copy / patch.path
            path.write_text(patch.applied_to(path.read_text()))
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


def _first_failure(copy: Path, tests: Sequence[str]) -> str | None:
    """Runs the tests in the copy until one fails, and returns that one's name. A run without an end counts, too."""
    try:
        failed = _run_tests(copy, "-x", *tests, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return f"{tests[0]} (no end)"
    return failed[0] if failed else None


def _failures(copy: Path, tests: Sequence[str]) -> list[str]:
    """Runs the tests in the copy, and returns the names of those that fail."""
    return sorted(set(_run_tests(copy, *tests)))


def _run_tests(copy: Path, *arguments: str, seconds: float | None = None) -> list[str]:
    """Runs pytest in the copy, and returns what failed. Raises TimeoutExpired, and SystemExit if it ran nothing."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", "--no-cov", *arguments]
    # The copy comes before the tree that this Python knows the packages from. No byte code: a change within a second
    # could go unnoticed.
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    found = FAILED.findall(done.stdout)
    if done.returncode and not found:
        sys.exit(f"pytest did not run {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
    return found


def _row(mutant: Mutant, noticed: str | None) -> str:
    return f"| {mutant.mechanism} | {f'`{noticed}`' if noticed else '**none: it survived**'} |"


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
