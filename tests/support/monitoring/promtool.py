"""Runs promtool. Tests are skipped if it is not installed."""

import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*arguments: str | Path) -> str:
    """Runs promtool and returns its output. Fails the test with the output if promtool fails."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=180, check=False)
    output = done.stdout + done.stderr
    if done.returncode != 0:
        pytest.fail(output, pytrace=False)
    return output
