"""Finds a client by what people know of it."""

import re

from cli.connections.api import ApiClient, Json
from cli.failure import Failure

# What people write between the digits of a phone.
_BETWEEN = re.compile(r"[\s().+-]")
_PHONE = re.compile(r"[78]?\d{10}", re.ASCII)
_COUNTRY = "7"


def read_phone(text: str) -> str | None:
    """Returns the phone that a text stands for, such as +7 (916) 123-45-67, as the API takes it. None if it is none."""
    digits = _BETWEEN.sub("", text)
    return f"{_COUNTRY}{digits[-10:]}" if _PHONE.fullmatch(digits) else None


def search_params(text: str) -> dict[str, str | None]:
    """Returns the filter of clients for a phone, an operator code of three digits, or a tag."""
    phone = read_phone(text)
    if phone is not None:
        return {"phone": phone}
    return {"operator_code": text} if re.fullmatch(r"\d{3}", text, re.ASCII) else {"tag": text}


async def find_client(api: ApiClient, who: str) -> Json:
    """Returns the client with this phone, id or external id. Raises Failure if there is none."""
    phone = read_phone(who)
    if phone is not None:
        return await _find_by(api, "phone", phone, f"the phone {who}")
    if re.fullmatch(r"\d{1,9}", who, re.ASCII):
        return await api.get(f"/clients/{who}")
    return await _find_by(api, "external_id", who, f"the phone or the external id {who}")


async def _find_by(api: ApiClient, name: str, value: str, said: str) -> Json:
    found = (await api.get("/clients", {name: value}))["items"]
    if not found:
        raise Failure(f"there is no client with {said}")
    client: Json = found[0]
    return client
