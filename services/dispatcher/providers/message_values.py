"""What a message puts in the place of each placeholder. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from services.dispatcher.claims.claim import Claim
from shared.providers.placeholders import ATTRIBUTE

LeafValue = str | int | float | bool | None


class MessageValues(NamedTuple):
    """A claimed message at the moment of its request.

    `seconds_left` until the mailing's end, from now. `validity` is in the provider's own unit. `installation` tells
    the messages of this database from those of any other. `receipts` is the address for receipts, without the message.
    """

    claim: Claim
    seconds_left: float
    validity: int | str | None = None
    sender: str | None = None
    installation: str = ""
    receipts: str | None = None


def _end_at(values: MessageValues) -> str:
    return (values.claim.claimed_at + timedelta(seconds=values.claim.seconds_left)).isoformat(timespec="seconds")


def _receipt_url(values: MessageValues) -> str | None:
    return None if values.receipts is None else f"{values.receipts}?m={values.claim.message_id}"


def getter_of(name: str) -> Callable[[MessageValues], LeafValue]:
    """Returns what reads a placeholder from a message: one of GETTERS, or an attribute of the client."""
    if not name.startswith(ATTRIBUTE):
        return GETTERS[name]
    attribute = name.removeprefix(ATTRIBUTE)
    return lambda values: values.claim.attribute(attribute)


# One for each name in shared/providers/placeholders.py. None is no value: the leaf is left out.
GETTERS: Mapping[str, Callable[[MessageValues], LeafValue]] = {
    "attempt": lambda values: values.claim.number,
    "client_id": lambda values: values.claim.client_id,
    "end_at": _end_at,
    "mailing_id": lambda values: values.claim.mailing_id,
    "message_id": lambda values: values.claim.message_id,
    "message_key": lambda values: f"{values.installation}-{values.claim.message_id}",
    "operator_code": lambda values: values.claim.operator_code or None,
    "phone": lambda values: values.claim.phone,
    "phone_number": lambda values: int(values.claim.phone),
    "phone_plus": lambda values: f"+{values.claim.phone}",
    "receipt_url": _receipt_url,
    "seconds_left": lambda values: int(values.seconds_left),
    "sender": lambda values: values.sender,
    "tag": lambda values: values.claim.tag or None,
    "text": lambda values: values.claim.text,
    "text_ucs2_hex": lambda values: values.claim.text.encode("utf-16-be", "surrogatepass").hex(),
    "validity": lambda values: values.validity,
}
