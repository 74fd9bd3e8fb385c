"""What a dialect is: it reads a send, and answers one that is accepted or refused with a code of its own."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from services.sandbox.body import RefusedSend
from services.sandbox.modes import JSON, Behaviour, Mode

TEXT = "text/plain"
_PHONE = re.compile(r"\+?(7\d{10})")
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DialectSend:
    """A send that was read. Where a dialect carries no id of ours, the phone stands for it in the ledger.

    `callback` is the address for receipts that came with it.
    """

    phone: int
    text: str
    message_id: int
    callback: str | None = None

    @property
    def provider_id(self) -> str:
        """The id that the provider gives the message."""
        return f"{self.message_id:012d}"


@dataclass(frozen=True, slots=True)
class DialectRequest:
    """The fields of a request, wherever they stood, its path below the name of the preset, and its credentials."""

    path: str
    fields: Mapping[str, Any]
    credentials: str | None

    def text(self, name: str) -> str:
        """Returns a field as text, or an empty one."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider's way of speaking.

    `read` raises RefusedSend with one of its own codes as message. `codes` are those that stand for the modes of the
    sandbox; `accept` and `refuse` make replies, and `receipt` the form of a receipt, whether delivered or not.
    """

    read: Callable[[DialectRequest], DialectSend]
    accept: Callable[[DialectSend], Behaviour]
    refuse: Callable[[str, DialectSend | None], Behaviour]
    codes: Mapping[Mode, str]
    receipt: Callable[[DialectSend, bool, datetime], Mapping[str, str]] | None = None


def a_send(phone: str, text: str, message_id: str, code: str, callback: str = "") -> DialectSend:
    """Makes a send of its texts. Raises RefusedSend with `code` for a phone that is none."""
    found = _PHONE.fullmatch(phone)
    if found is None or not text:
        raise RefusedSend(400, code)
    number = int(found[1])
    ours = int(message_id) if _DIGITS.fullmatch(message_id) else number
    return DialectSend(number, text, ours, callback if callback.startswith("http") else None)


def a_json(content: Any, status: int = 200, *, accepted: bool = False) -> Behaviour:
    return Behaviour(status, orjson.dumps(content), JSON, accepted=accepted)


def a_text(content: str, status: int = 200, *, accepted: bool = False) -> Behaviour:
    return Behaviour(status, content.encode(), TEXT, accepted=accepted)


async def read_request(request: web.Request) -> DialectRequest:
    """Reads a request: query, form and JSON are one set of fields."""
    fields: dict[str, Any] = dict(request.query)
    body = await request.read()
    if request.content_type == JSON:
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        fields |= found if isinstance(found, dict) else {}
    elif body:
        fields |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    return DialectRequest(request.match_info["path"], fields, _credentials(request.headers.get("Authorization", "")))


def _credentials(header: str) -> str | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode()
        except ValueError:
            return None
    return None
