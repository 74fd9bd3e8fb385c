"""MTS Exolve: the HTTP status tells most."""

from services.sandbox.body import RefusedSend
from services.sandbox.dialects.dialect import Dialect, DialectRequest, DialectSend, a_json, a_send
from services.sandbox.modes import Behaviour, Mode


def _read(request: DialectRequest) -> DialectSend:
    if not request.credentials:
        raise RefusedSend(401, "401")
    if not request.text("number"):
        raise RefusedSend(400, "400")
    return a_send(request.text("destination"), request.text("text"), "", "400")


def _accept(send: DialectSend) -> Behaviour:
    return a_json({"message_id": send.provider_id}, accepted=True)


def _refuse(code: str, _: DialectSend | None) -> Behaviour:
    return a_json({"error": {"code": int(code), "message": "refused"}}, 200 if code == "200" else int(code))


EXOLVE = Dialect(_read, _accept, _refuse, {Mode.REJECT400: "400", Mode.UNAUTHORIZED: "401", Mode.TOO_MANY: "429"})
