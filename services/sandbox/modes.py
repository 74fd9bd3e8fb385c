"""The behaviour of each mode, as one table."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

import orjson

JSON, HTML = "application/json", "text/html"


class Mode(StrEnum):
    OK = "ok"
    QUEUED202 = "queued202"
    ERROR500 = "error500"
    ERROR503 = "error503"
    REJECT400 = "reject400"
    UNAUTHORIZED = "unauthorized"
    TOO_MANY = "too_many"
    HANG = "hang"
    SLOW_DRIP = "slow_drip"
    GARBAGE = "garbage"
    HTML = "html"
    EMPTY = "empty"
    NO_CODE = "no_code"
    HUGE = "huge"
    BAD_CHUNKS = "bad_chunks"
    RESET = "reset"
    LOST_REPLY = "lost_reply"
    REFUSE = "refuse"


class Manner(Enum):
    """The manner in which a reply is written to the connection."""

    WHOLE = auto()
    DRIP = auto()
    FLOOD = auto()
    BAD_CHUNKS = auto()
    HANG = auto()
    CLOSE = auto()
    RESET = auto()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The reply of a mode, and how it is written. A status of None means that no status line is sent."""

    status: int | None = None
    body: bytes = b""
    content_type: str = JSON
    manner: Manner = Manner.WHOLE
    retry_after: bool = False
    accepted: bool = False


def reply_body(code: int, message: str) -> bytes:
    return orjson.dumps({"code": code, "message": message})


SUCCESS = reply_body(0, "OK")
# Both begin like a success: a client that stops reading early takes them for one, and the ledger shows the error.
BROKEN = b'{"code": 0, "mess'
ENDLESS = b'{"code": 0, "message": "'
PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"

MODES = {
    Mode.OK: Behaviour(200, SUCCESS, accepted=True),
    Mode.QUEUED202: Behaviour(202, orjson.dumps({"message": "queued"}), accepted=True),
    Mode.ERROR500: Behaviour(500, reply_body(500, "internal error")),
    Mode.ERROR503: Behaviour(503, reply_body(503, "service unavailable"), retry_after=True),
    Mode.REJECT400: Behaviour(400, reply_body(400, "rejected")),
    Mode.UNAUTHORIZED: Behaviour(401, reply_body(401, "unauthorized")),
    Mode.TOO_MANY: Behaviour(429, reply_body(429, "too many requests"), retry_after=True),
    Mode.HANG: Behaviour(manner=Manner.HANG),
    Mode.SLOW_DRIP: Behaviour(200, SUCCESS, manner=Manner.DRIP, accepted=True),
    Mode.GARBAGE: Behaviour(200, BROKEN),
    Mode.HTML: Behaviour(200, PAGE, HTML),
    Mode.EMPTY: Behaviour(200),
    Mode.NO_CODE: Behaviour(200, orjson.dumps({"message": "OK"})),
    Mode.HUGE: Behaviour(200, ENDLESS, manner=Manner.FLOOD),
    Mode.BAD_CHUNKS: Behaviour(200, SUCCESS, manner=Manner.BAD_CHUNKS),
    Mode.RESET: Behaviour(manner=Manner.RESET),
    Mode.LOST_REPLY: Behaviour(manner=Manner.CLOSE, accepted=True),
    Mode.REFUSE: Behaviour(manner=Manner.RESET),
}
