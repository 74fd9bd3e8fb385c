"""Vonage: one element for each part of a text, with a status that is a text."""

from collections.abc import Mapping
from datetime import datetime

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_json, a_send
from services.sandbox.modes import Behaviour, Mode
from shared.texts.sms import count_segments, fits_gsm


def _read(request: DialectRequest) -> DialectSend:
    if not request.text("api_key") or not request.text("api_secret"):
        raise RefusedSend(200, "4")
    if not request.text("from"):
        raise RefusedSend(200, "2")
    text = request.text("text")
    if request.text("type") != "unicode" and not fits_gsm(text):
        text = "".join(char if fits_gsm(char) else "?" for char in text)
    return a_send(request.text("to"), text, request.text("client-ref"), "3", request.text("callback"))


def _accept(send: DialectSend) -> Behaviour:
    parts = count_segments(send.text)
    messages = [
        {
            "to": str(send.phone),
            "message-id": f"{send.provider_id}{part:02d}",
            "status": "0",
            "message-price": "0.05000000",
        }
        for part in range(parts)
    ]
    return a_json({"message-count": str(parts), "messages": messages}, accepted=True)


def _refuse(code: str, _: DialectSend | None) -> Behaviour:
    return a_json({"message-count": "1", "messages": [{"status": code, "error-text": "refused"}]})


def _receipt(send: DialectSend, delivered: bool, at: datetime) -> Mapping[str, str]:
    return {
        "messageId": f"{send.provider_id}00",
        "client-ref": str(send.message_id),
        "status": "delivered" if delivered else "failed",
        "err-code": "0" if delivered else "1",
        "message-timestamp": f"{at:%Y-%m-%d %H:%M:%S}",
    }


VONAGE = Dialect(_read, _accept, _refuse, {Mode.REJECT400: "3", Mode.UNAUTHORIZED: "4", Mode.TOO_MANY: "1"}, _receipt)
