"""The programs that check the JavaScript: locked to exact versions, from any registry, beside the vendored files."""

import json
import re
from pathlib import Path
from typing import Any

from services.api.console.files import FOLDER

ROOT = Path(__file__).parents[4]
CHECKS = ROOT / "tools" / "javascript"
LOCK = (CHECKS / "package-lock.json").read_text()
PACKAGES: dict[str, dict[str, Any]] = json.loads(LOCK)["packages"]
WANTED: dict[str, str] = json.loads((CHECKS / "package.json").read_text())["devDependencies"]


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in LOCK


def test_every_package_is_locked_by_a_hash() -> None:
    assert [path for path, package in PACKAGES.items() if path and "integrity" not in package] == []


def test_the_lock_has_exactly_the_versions_that_are_wanted() -> None:
    assert {name: PACKAGES[f"node_modules/{name}"]["version"] for name in WANTED} == WANTED


def test_the_types_of_uplot_are_those_of_the_vendored_file() -> None:
    vendored = re.search(r"`uplot` ([\d.]+)", (FOLDER / "README.md").read_text())
    assert vendored is not None
    assert vendored[1] == WANTED["uplot"]


def test_the_openid_provider_of_the_tests_is_locked_in_the_same_way() -> None:
    folder = ROOT / "tests" / "support" / "oidc"
    lock = (folder / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    assert '"resolved"' not in lock
    assert [path for path, package in packages.items() if path and "integrity" not in package] == []
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert (folder / ".npmrc").read_text() == (CHECKS / ".npmrc").read_text()
