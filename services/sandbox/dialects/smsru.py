"""SMS.ru: the outer status may be OK while the message, keyed by its phone, is refused."""

from collections.abc import Mapping
from datetime import datetime

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_json, a_send
from services.sandbox.modes import Behaviour, Mode

# Codes of the whole request rather than of one message.
_OUTER = frozenset({"200", "220", "300", "301", "302"})


def _read(request: DialectRequest) -> DialectSend:
    if not request.text("api_id"):
        raise RefusedSend(200, "200")
    return a_send(request.text("to"), request.text("msg"), "", "202")


def _accept(send: DialectSend) -> Behaviour:
    message = {"status": "OK", "status_code": 100, "sms_id": f"000000-{send.provider_id}", "cost": "3.2"}
    reply = {"status": "OK", "status_code": 100, "sms": {str(send.phone): message}, "balance": 100.0}
    return a_json(reply, accepted=True)


def _refuse(code: str, send: DialectSend | None) -> Behaviour:
    refusal = {"status": "ERROR", "status_code": int(code), "status_text": "refused"}
    if send is None or code in _OUTER:
        return a_json(refusal)
    return a_json({"status": "OK", "status_code": 100, "sms": {str(send.phone): refusal}, "balance": 100.0})


def _receipt(send: DialectSend, delivered: bool, at: datetime) -> Mapping[str, str]:
    lines = ["sms_status", f"000000-{send.provider_id}", "103" if delivered else "104", str(int(at.timestamp()))]
    return {"data[0]": "\n".join(lines), "hash": "0"}


_CODES = {Mode.REJECT400: "202", Mode.UNAUTHORIZED: "200", Mode.TOO_MANY: "220"}
SMSRU = Dialect(_read, _accept, _refuse, _CODES, _receipt)
