"""The placeholders and secrets that a text of the providers file may hold. Pure."""

import re
from dataclasses import dataclass

# What each stands for is in docs/providers.md.
PLACEHOLDERS = frozenset(
    {
        "attempt",
        "client_id",
        "end_at",
        "mailing_id",
        "message_id",
        "message_key",
        "operator_code",
        "phone",
        "phone_number",
        "phone_plus",
        "receipt_url",
        "seconds_left",
        "sender",
        "tag",
        "text",
        "text_ucs2_hex",
        "validity",
    }
)

# A client's attribute, by its name.
ATTRIBUTE = "attribute."
_ATTRIBUTE = re.compile(r"attribute\.[a-z][a-z0-9_]{0,31}")
_MARK = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}|\$\{([^{}]*)\}")
_FILE = "file:"


@dataclass(frozen=True, slots=True)
class RequestPlaceholder:
    """A value of the message."""

    name: str


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    """The value of an environment variable: ${NAME}."""

    name: str


@dataclass(frozen=True, slots=True)
class FileSecret:
    """The content of a file, read again when it changes: file:/path."""

    path: str


Part = str | RequestPlaceholder | EnvironmentSecret | FileSecret


def parse_text(text: str) -> tuple[Part, ...]:
    """Cuts a text of the file into literals, placeholders and secrets. Unknown names are returned as they are."""
    if text.startswith(_FILE + "/"):
        return (FileSecret(text.removeprefix(_FILE)),)
    parts: list[Part] = []
    place = 0
    for found in _MARK.finditer(text):
        if found.start() > place:
            parts.append(text[place : found.start()])
        parts.append(RequestPlaceholder(found[1]) if found[1] is not None else EnvironmentSecret(found[2]))
        place = found.end()
    if place < len(text):
        parts.append(text[place:])
    return tuple(parts)


def is_known(name: str) -> bool:
    """Says whether a placeholder has a meaning."""
    return name in PLACEHOLDERS or _ATTRIBUTE.fullmatch(name) is not None


def has_secret(text: str) -> bool:
    """Says whether a text holds a secret."""
    return any(isinstance(part, EnvironmentSecret | FileSecret) for part in parse_text(text))
