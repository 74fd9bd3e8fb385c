"""The Telegram Bot API: sendMessage, whose replies say ok or not. The chat's id stands for the phone."""

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_json, a_send
from services.sandbox.modes import Behaviour, Mode

_WORDS = {
    "400": "Bad Request: chat not found",
    "401": "Unauthorized",
    "403": "Forbidden: bot was blocked by the user",
    "404": "Not Found",
    "429": "Too Many Requests: retry after 3",
}


def _read(request: DialectRequest) -> DialectSend:
    if not request.path.startswith("bot") or not request.path.endswith("/sendMessage"):
        raise RefusedSend(404, "404")
    return a_send(request.text("chat_id"), request.text("text"), "", "400")


def _accept(send: DialectSend) -> Behaviour:
    return a_json({"ok": True, "result": {"message_id": send.message_id, "text": send.text}}, accepted=True)


def _refuse(code: str, _: DialectSend | None) -> Behaviour:
    reply = {"ok": False, "error_code": int(code), "description": _WORDS.get(code, "Bad Request")}
    return a_json(reply | ({"parameters": {"retry_after": 3}} if code == "429" else {}), int(code))


TELEGRAM = Dialect(_read, _accept, _refuse, {Mode.REJECT400: "400", Mode.UNAUTHORIZED: "401", Mode.TOO_MANY: "429"})
