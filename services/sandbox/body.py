"""Checks whether a send is well-formed, by the published contract and nothing beyond it."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

LOWEST, HIGHEST = -(2**63), 2**63 - 1
_ID = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)


class RefusedSend(Exception):
    """A send that is refused before any fault is drawn. The message is for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A well-formed send."""

    message_id: int
    phone: int
    text: str


def _is_int64(value: object) -> bool:
    # A bool is an int in Python, but not in the contract.
    return type(value) is int and LOWEST <= value <= HIGHEST


def _is_phone(value: object) -> bool:
    return type(value) is int and 70_000_000_000 <= value <= 79_999_999_999


def _is_string(value: object) -> bool:
    return isinstance(value, str)


FIELDS = (
    ("id", _is_int64, "id must be an int64"),
    ("phone", _is_phone, "phone must be a number of 11 digits, 7XXXXXXXXXX"),
    ("text", _is_string, "text must be a string"),
)


def read_id(segment: str) -> int | None:
    """Reads the id in a path. Returns None unless it is an int64 in plain decimal digits."""
    if _ID.fullmatch(segment) is None:
        return None
    number = int(segment)
    return number if LOWEST <= number <= HIGHEST else None


def read_send(message_id: int | None, body: bytes) -> SendRequest:
    """Checks a send for the id in its path. Raises RefusedSend with status 400 and the first thing wrong."""
    found = _read_object(body)
    for name, fits, sentence in FIELDS:
        if name not in found:
            raise RefusedSend(400, f"{name} is required")
        if not fits(found[name]):
            raise RefusedSend(400, sentence)
    if found["id"] != message_id:
        raise RefusedSend(400, "the id in the path and the id in the body must be the same")
    return SendRequest(found["id"], found["phone"], found["text"])


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedSend(400, "the body must be JSON") from None
    if not isinstance(found, dict):
        raise RefusedSend(400, "the body must be a JSON object")
    return found
