"""The lock files hold what pyproject.toml and the requirements ask for, and name no registry."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.deploy.manifests import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
OWN: list[str] = PROJECT["dependencies"]


def asked_for(lock: Path) -> list[str]:
    """Returns the requirements from which `make lock` makes a lock file."""
    match lock.stem.removeprefix("requirements").removeprefix("-"):
        case "":
            return OWN + EXTRAS["tracing"]
        case "native":
            return OWN + EXTRAS["tracing"] + EXTRAS["native"]
        case "dev":
            return OWN + EXTRAS["tracing"] + EXTRAS["native"] + EXTRAS["dev"]
        case _:
            lines = lock.with_suffix(".in").read_text().splitlines()
            return [line for line in lines if line and not line.startswith("#")]


def locked_in(lock: Path) -> dict[str, str]:
    """Returns the versions of a lock file by the names of their packages."""
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^ ;]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


every_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)


@every_lock
def test_a_lock_file_holds_what_is_asked_for(lock: Path) -> None:
    locked = locked_in(lock)
    requirements = [Requirement(text) for text in asked_for(lock)]
    assert requirements
    stale = [
        str(each)
        for each in requirements
        if not each.specifier.contains(locked.get(canonicalize_name(each.name), "0"), prereleases=True)
    ]
    assert stale == [], "run `make lock`"


@every_lock
def test_a_lock_file_names_no_registry(lock: Path) -> None:
    assert "://" not in lock.read_text()
