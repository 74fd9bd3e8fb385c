"""Twilio: 201 with a sid, or an error whose code says more than its status."""

from collections.abc import Mapping
from datetime import datetime

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_json, a_send
from services.sandbox.modes import Behaviour, Mode

_STATUSES = {"20003": 401, "20005": 403, "20006": 403, "20404": 404, "20429": 429, "14107": 429}


def _read(request: DialectRequest) -> DialectSend:
    user, _, password = (request.credentials or "").partition(":")
    if not password:
        raise RefusedSend(401, "20003")
    if f"/Accounts/{user}/" not in f"/{request.path}":
        raise RefusedSend(404, "20404")
    if not request.text("From"):
        raise RefusedSend(400, "21603")
    if not request.text("To").startswith("+"):
        raise RefusedSend(400, "21211")
    callback = request.text("StatusCallback")
    return a_send(request.text("To"), request.text("Body"), "", "21211", callback)


def _accept(send: DialectSend) -> Behaviour:
    sid = f"SM{send.message_id:032x}"
    reply = {"sid": sid, "status": "queued", "error_code": None, "num_segments": "1", "price": None}
    return a_json(reply, 201, accepted=True)


def _refuse(code: str, _: DialectSend | None) -> Behaviour:
    status = _STATUSES.get(code, 400)
    return a_json({"code": int(code), "message": "refused", "status": status}, status)


def _receipt(send: DialectSend, delivered: bool, _: datetime) -> Mapping[str, str]:
    sid = f"SM{send.message_id:032x}"
    if delivered:
        return {"MessageSid": sid, "MessageStatus": "delivered"}
    return {"MessageSid": sid, "MessageStatus": "undelivered", "ErrorCode": "30003"}


_CODES = {Mode.REJECT400: "21211", Mode.UNAUTHORIZED: "20003", Mode.TOO_MANY: "20429"}
TWILIO = Dialect(_read, _accept, _refuse, _CODES, _receipt)
