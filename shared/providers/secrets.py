"""The values of secrets: environment variables, and files that are read again when they change."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from shared.providers.placeholders import EnvironmentSecret, FileSecret, RequestPlaceholder, parse_text

# A sidecar may renew a token at any time; a file is looked at this often.
LOOK_SECONDS = 1.0


class MissingSecret(Exception):
    """A secret has no value. The message names the variable or the file, and never a value."""


class SecretValues:
    """The secrets of one reading of the file. What was read joins `known`, to be scrubbed from replies and logs."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, clock: Callable[[], float] = monotonic) -> None:
        self._environment = os.environ if environment is None else environment
        self._clock = clock
        self._files: dict[str, tuple[float, int, str]] = {}
        self.known: set[str] = set()

    def read(self, secret: EnvironmentSecret | FileSecret) -> str:
        """Returns the value of a secret. Raises MissingSecret."""
        value = self._environment_value(secret) if isinstance(secret, EnvironmentSecret) else self._content(secret)
        self.known.add(value)
        return value

    def fill(self, text: str) -> str:
        """Returns a text of the file, without placeholders, with its secrets in place. Raises MissingSecret."""
        parts = (part for part in parse_text(text) if not isinstance(part, RequestPlaceholder))
        return "".join(part if isinstance(part, str) else self.read(part) for part in parts)

    def _environment_value(self, secret: EnvironmentSecret) -> str:
        value = self._environment.get(secret.name, "")
        if not value:
            raise MissingSecret(f"the environment has no {secret.name}")
        return value

    def _content(self, secret: FileSecret) -> str:
        """Returns the content of a file. While it cannot be read, what it held before stands."""
        moment, known = self._clock(), self._files.get(secret.path)
        if known is not None and moment - known[0] < LOOK_SECONDS:
            return known[2]
        try:
            changed = Path(secret.path).stat().st_mtime_ns
            value = known[2] if known and known[1] == changed else Path(secret.path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            if known is None:
                raise MissingSecret(f"{secret.path} cannot be read: {type(error).__name__}") from None
            changed, value = known[1], known[2]
        if not value:
            raise MissingSecret(f"{secret.path} is empty")
        self._files[secret.path] = (moment, changed, value)
        return value
