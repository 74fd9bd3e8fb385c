"""promtool for the tests, which are skipped without it."""

import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*arguments: str | Path) -> str:
    """Runs promtool and returns what it says. Fails the test with that where promtool is not content."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    if done.returncode != 0:
        pytest.fail(said, pytrace=False)
    return said
