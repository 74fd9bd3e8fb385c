"""Jasmin: plain text, and a status that means several things."""

from collections.abc import Mapping
from datetime import datetime

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_send, a_text
from services.sandbox.modes import Behaviour, Mode

_ID = "00000000-0000-4000-8000-"
_ERRORS = {
    "400a": (400, "Authorization failed for username"),
    "400": (400, "Argument [to] has an invalid value"),
    "403": (403, "Authentication failure for username"),
    "403c": (403, "Cannot charge submit_sm, check RouterPB log file for details"),
    "403t": (403, "User throughput exceeded"),
    "412": (412, "No route found"),
    "412u": (412, "Connector is not bound"),
    "500": (500, "Unknown error"),
    "500s": (500, "Cannot send submit_sm, check SMPPClientManagerPB log file for details"),
    "503": (503, "Service unavailable"),
}


def _read(request: DialectRequest) -> DialectSend:
    if not request.text("username") or not request.text("password"):
        raise RefusedSend(403, "403")
    if request.text("coding") == "8":
        try:
            text = bytes.fromhex(request.text("hex-content")).decode("utf-16-be")
        except ValueError:
            raise RefusedSend(400, "400") from None
    else:
        text = request.text("content").encode("latin-1", "replace").decode("latin-1")
    return a_send(request.text("to"), text, "", "400", request.text("dlr-url"))


def _accept(send: DialectSend) -> Behaviour:
    return a_text(f'Success "{_ID}{send.provider_id}"', accepted=True)


def _refuse(code: str, _: DialectSend | None) -> Behaviour:
    status, words = _ERRORS[code]
    return a_text(f'Error "{words}"', status)


def _receipt(send: DialectSend, delivered: bool, _: datetime) -> Mapping[str, str]:
    status, error = ("DELIVRD", "000") if delivered else ("UNDELIV", "011")
    return {"id": f"{_ID}{send.provider_id}", "message_status": status, "level": "3", "err": error}


_CODES = {Mode.REJECT400: "400", Mode.UNAUTHORIZED: "403", Mode.TOO_MANY: "403t"}
JASMIN = Dialect(_read, _accept, _refuse, _CODES, _receipt)
