"""SMSC.ru: errors are numbers in a 200, and some of them carry an id."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_json, a_send, a_text
from services.sandbox.modes import Behaviour, Mode

_ERRORS = {
    "1": "parameters error",
    "2": "authorise error",
    "3": "insufficient funds",
    "4": "IP address is blocked",
    "5": "invalid date format",
    "6": "message is denied",
    "7": "invalid number",
    "8": "message to the number can not be delivered",
    "9": "duplicate request, wait a minute",
    "9c": "too many concurrent requests",
}
_MOSCOW = ZoneInfo("Europe/Moscow")
_WITH_ID = frozenset("3678")


def _read(request: DialectRequest) -> DialectSend:
    if not request.text("login") or not request.text("psw"):
        raise RefusedSend(200, "2")
    if request.text("fmt") != "3":
        raise RefusedSend(200, "text")
    text = request.text("mes")
    if request.text("charset") != "utf-8":
        # As it is shown on the handset.
        text = text.encode().decode("cp1251", "replace")
    return a_send(request.text("phones"), text, request.text("id"), "7")


def _accept(send: DialectSend) -> Behaviour:
    return a_json({"id": send.message_id, "cnt": 1, "cost": "3.2", "balance": "100"}, accepted=True)


def _refuse(code: str, send: DialectSend | None) -> Behaviour:
    if code == "text":
        return a_text("ERROR = 1 (parameters error)")
    reply = {"error": _ERRORS.get(code, "error"), "error_code": int(code.rstrip("c"))}
    return a_json(reply | ({"id": send.message_id} if send is not None and code in _WITH_ID else {}))


def _receipt(send: DialectSend, delivered: bool, at: datetime) -> Mapping[str, str]:
    status, error = ("1", "0") if delivered else ("20", "6")
    moment = at.astimezone(_MOSCOW).strftime("%d.%m.%Y %H:%M:%S")
    return {"id": str(send.message_id), "phone": str(send.phone), "status": status, "time": moment, "err": error}


SMSC = Dialect(_read, _accept, _refuse, {Mode.REJECT400: "7", Mode.UNAUTHORIZED: "2", Mode.TOO_MANY: "9c"}, _receipt)
