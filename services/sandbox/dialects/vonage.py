"""Vonage: one element for each part of a text, with a status that is a text."""

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
    return a_send(request.text("to"), text, request.text("client-ref"), "3")


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


VONAGE = Dialect(_read, _accept, _refuse, {Mode.REJECT400: "3", Mode.UNAUTHORIZED: "4", Mode.TOO_MANY: "1"})
