"""How a command fails: one clear line on standard error and an exit code."""


class Failure(Exception):
    """A command cannot do what it was asked. The message is for the person at the terminal and says what to do."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
