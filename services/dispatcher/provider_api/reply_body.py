"""Reads the code in the body of a reply, also where the body is not quite what the contract says. Pure."""

import codecs
import json
import re
from enum import Enum, auto
from typing import Any

import orjson

_NUMBER = re.compile(r"-?[0-9]{1,20}", re.ASCII)


class Unread(Enum):
    """Why a body has no code that can be read."""

    NOT_JSON = auto()
    # A JSON object that does not mention a code.
    NO_CODE = auto()
    # A code that is no number, or JSON that is no object.
    ODD = auto()


def read_code(body: bytes) -> int | Unread:
    """Returns the code in a body.

    A code in quotes is read as the number in them, and a byte order mark, bytes after the object and texts in another
    encoding than UTF-8 are overlooked: a reply that says 0 is a success, and taken for broken it would be sent again.
    """
    found = parse_body(body)
    if isinstance(found, Unread):
        return found
    if not isinstance(found, dict):
        return Unread.ODD
    return _code(found["code"]) if "code" in found else Unread.NO_CODE


def _code(code: object) -> int | Unread:
    if type(code) is int:
        return code
    if isinstance(code, str) and _NUMBER.fullmatch(code):
        return int(code)
    return Unread.ODD


def parse_body(body: bytes) -> Any:
    """Returns the JSON of a body, read as leniently as its code is; Unread.NOT_JSON where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_leniently(body)


def _parse_leniently(body: bytes) -> Any:
    text = body.removeprefix(codecs.BOM_UTF8).lstrip().decode("latin-1")
    try:
        found, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return Unread.NOT_JSON
    # A second reply may say the opposite of the first.
    return Unread.NOT_JSON if '"code"' in text[end:] else found


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
