"""Programs that only some tests need are installed where no test may be skipped."""

from collections.abc import Sequence

import pytest

from cli.failure import Failure
from tests.support import prepare, skips


class Machine:
    """A machine on which packages can be installed; of those in `broken`, the programs stay away."""

    def __init__(self, *installed: str, broken: Sequence[str] = ()) -> None:
        self.installed = set(installed)
        self.asked = list[str]()
        self._broken = broken

    def program(self, package: str) -> prepare.Program:
        return prepare.Program(package, lambda: package in self.installed)

    def install(self, packages: Sequence[str]) -> None:
        self.asked.extend(packages)
        self.installed.update(set(packages) - set(self._broken))


@pytest.mark.parametrize("chaos", [False, True])
def test_all_programs_are_wanted_where_no_test_may_be_skipped(chaos: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(skips.VARIABLE, "1")
    chosen = prepare.choose_programs(chaos=chaos)
    assert set(prepare.PROGRAMS) <= set(chosen)
    assert (prepare.FAKETIME in chosen) is chaos


def test_none_is_wanted_where_tests_may_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(skips.VARIABLE, raising=False)
    assert prepare.choose_programs(chaos=False) == ()


def test_only_what_is_missing_is_installed() -> None:
    machine = Machine("chromium")
    prepare.prepare_programs([machine.program("chromium"), machine.program("kubectl")], machine.install)
    assert machine.asked == ["kubectl"]


def test_nothing_is_installed_where_all_is_there() -> None:
    machine = Machine("chromium")
    prepare.prepare_programs([machine.program("chromium")], machine.install)
    assert machine.asked == []


def test_a_package_without_its_program_is_an_error() -> None:
    machine = Machine(broken=["kubectl"])
    with pytest.raises(Failure, match=r"still missing .* kubectl"):
        prepare.prepare_programs([machine.program("kubectl")], machine.install)
