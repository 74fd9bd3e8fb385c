"""Wrong wall clocks for single processes, by means of libfaketime."""

from pathlib import Path

PACKAGE = "faketime"
_FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")


def find_library() -> Path | None:
    """Returns the path of libfaketime in its variant for programs with threads, or None if it is not installed."""
    root = Path("/")
    found = (path for folder in _FOLDERS for path in root.glob(f"{folder[1:]}/libfaketimeMT.so.1"))
    return next(found, None)


def shift_clock(library: Path, offset: str) -> dict[str, str]:
    """Returns the environment of a process whose wall clock is off by `offset`, such as +1h.

    Its monotonic clock stays right.
    """
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
