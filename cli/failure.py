"""How a command fails: one clear line on standard error and an exit code."""

from pathlib import Path


class Failure(Exception):
    """A command cannot do what it was asked. The message is for the person at the terminal and says what to do."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def last_lines(log: Path, count: int = 15) -> str:
    """Reads the end of a log for an error message; a missing log reads as nothing."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
