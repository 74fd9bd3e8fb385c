"""What a claim answers, with the text as its client gets it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec
import orjson

from shared.audience.personal_text import PersonalText, Unrendered, WrongText, read_text, render

ClaimVerdict = Literal["send", "locked", "busy", "put back", "over", "damaged", "lost"]

# A shorter value names nobody, and stands in many a reply by chance.
LEAST_TOLD = 4


class Claim(msgspec.Struct, frozen=True, gc=False):
    """The verdict on one job. The fields after `verdict` have a meaning for "send" only.

    `failures` counts also those of attempts whose results are not folded yet. `claimed_at` is the database's time, as
    it is stored with the claim; `seconds_left` until the mailing's end from then; `waited` are the seconds since the
    job was released and due. `text` is rendered for the client, with `values` of the client's filled in; where that is
    impossible, `refusal` is the reason, and no request may be made. `provider` is that of the attempt before; `unsure`:
    it may have taken the message; `refused`: the providers that will never take it. With "lost", `number` and
    `provider` are those of the attempt that got no result and is not to be repeated. With "put back", `shut` says that
    the client's window is closed.
    """

    message_id: int
    verdict: ClaimVerdict
    number: int
    mailing_id: int
    client_id: int
    failures: int
    text: str
    phone: str
    seconds_left: float
    claimed_at: datetime
    request_id: str | None
    waited: float
    operator_code: str = ""
    tag: str = ""
    provider: str | None = None
    unsure: bool = False
    refused: Sequence[str] = ()
    values: tuple[str, ...] = ()
    refusal: str | None = None
    shut: bool = False
    client_attributes: str | None = None

    def attribute(self, name: str) -> str | int | float | bool | None:
        """Returns an attribute of the client; None where it has none. Only for providers that are told some."""
        return self._attributes().get(name)

    @property
    def told(self) -> tuple[str, ...]:
        """What the provider may have been told of the client besides phone and text, and may say in its reply."""
        if self.client_attributes is None:
            return self.values
        found = (str(value) for value in self._attributes().values() if not isinstance(value, bool))
        return (*self.values, *(value for value in found if len(value) >= LEAST_TOLD))

    def _attributes(self) -> dict[str, str | int | float | bool]:
        found: dict[str, str | int | float | bool] = orjson.loads(self.client_attributes or "{}")
        return found


def render_claims(rows: Iterable[asyncpg.Record]) -> list[Claim]:
    """Turns the rows of a claim into its answers. Those with attributes have a text that must be rendered.

    The rows are read live, so the text has the values of the client at the claim.
    """
    texts: dict[str, PersonalText | None] = {}
    return [_claim(dict(row), texts) for row in rows]


def _claim(row: dict[str, Any], texts: dict[str, PersonalText | None]) -> Claim:
    attributes, template = row.pop("attributes"), row["text"]
    if attributes is None:
        return Claim(**row)
    if template not in texts:
        texts[template] = _read(template)
    text = texts[template]
    if text is None:
        return Claim(**{**row, "text": ""}, refusal="text not readable")
    try:
        rendered = render(text, orjson.loads(attributes))
    except Unrendered as reason:
        return Claim(**{**row, "text": ""}, refusal=str(reason))
    return Claim(**{**row, "text": rendered.text}, values=rendered.values)


def _read(template: str) -> PersonalText | None:
    """Reads a template. The API has refused those that cannot be read."""
    try:
        return read_text(template)
    except WrongText:
        return None
