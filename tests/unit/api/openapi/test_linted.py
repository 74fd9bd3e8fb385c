"""The document that is committed is the one that Redocly and Spectral checked last."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[4]
SUMS = ROOT / "tools" / "openapi" / "linted.sha256"


def test_the_document_and_the_rules_are_those_that_were_linted() -> None:
    lines = [line.split() for line in SUMS.read_text(encoding="utf-8").splitlines()]
    sums = {path: found for found, path in lines}
    assert "docs/openapi.json" in sums
    changed = [path for path, found in sums.items() if hashlib.sha256((ROOT / path).read_bytes()).hexdigest() != found]
    assert changed == [], "run `make lint`, and commit tools/openapi/linted.sha256"
