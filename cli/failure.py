"""The error of a command: one line on standard error and an exit code."""


class Failure(Exception):
    """A command cannot do what it was asked. The message names the cause and the remedy."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Occupied(Failure):
    """A stack cannot run because another one, or another program, has what it needs."""
