"""Processes whose wall clock is wrong, by libfaketime."""

from pathlib import Path

PACKAGE = "faketime"
_FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")


def find_library() -> Path | None:
    """Finds libfaketime, in the variant for programs with threads."""
    root = Path("/")
    found = (path for folder in _FOLDERS for path in root.glob(f"{folder[1:]}/libfaketimeMT.so.1"))
    return next(found, None)


def off_by(library: Path, offset: str) -> dict[str, str]:
    """Makes the settings of a process whose wall clock is off by so much, like +1h; its monotonic clock is right."""
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
