"""The faults that are set, and the mode and delay that they give one request."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.sandbox.modes import Mode

HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"

# The last four digits of a phone choose the mode for one client, whatever faults are set.
MAGIC_PHONES = {
    200: Mode.GARBAGE,
    400: Mode.REJECT400,
    408: Mode.HANG,
    429: Mode.TOO_MANY,
    500: Mode.ERROR500,
}


def _is_http_date(text: str) -> bool:
    # strptime accepts any white space in place of a blank, line breaks included, so the date is written again.
    try:
        return datetime.strptime(text, HTTP_DATE).replace(tzinfo=UTC).strftime(HTTP_DATE) == text
    except ValueError:
        return False


def _seconds_or_date(value: int | str) -> int | str:
    fits = _is_http_date(value) if isinstance(value, str) else 0 <= value <= 1_000_000
    if not fits:
        raise ValueError("must be 0 to 1000000 seconds, or a date like Sun, 06 Nov 1994 08:49:37 GMT")
    return value


def _one_possible(modes: dict[Mode, float]) -> dict[Mode, float]:
    if not any(modes.values()):
        raise ValueError("at least one mode must have a weight above zero")
    return modes


Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
RetryAfter = Annotated[int | str, AfterValidator(_seconds_or_date)]
# Visible ASCII and blanks: other characters cannot be sent in one header.
HeaderText = Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,200}$")]


class ReceiptFaults(BaseModel):
    """How receipts are sent of what is accepted in the dialect of a preset.

    `urls` say where, by preset; a send that brings an address of its own needs none. They come after `delay_ms`, or
    before the reply to the send for the share `early`. Of the others are shares: undelivered, doubled, lost, and
    `unknown`, which name a message that nobody sent.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    urls: dict[str, Annotated[str, Field(pattern=r"^https?://[^\s]{1,500}$")]] = {}
    delay_ms: Milliseconds = 500
    undelivered: Share = 0.0
    early: Share = 0.0
    doubled: Share = 0.0
    lost: Share = 0.0
    unknown: Share = 0.0


class Faults(BaseModel):
    """The behaviour of the sandbox towards sends, until it is replaced.

    `error_rate` is the share answered with error500; the weights of `modes` share out the rest. A reply is held back
    for `latency_ms`, plus or minus up to `jitter_ms`, evenly spread. error503 and too_many carry `retry_after`, in
    seconds or as an HTTP date; `retry_after_text`, where it is set, is sent instead and may be nonsense. `code` is what
    the mode code answers in the dialect of a preset.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    latency_ms: Milliseconds = 0
    jitter_ms: Milliseconds = 0
    error_rate: Share = 0.0
    modes: Annotated[dict[Mode, Weight], AfterValidator(_one_possible)] = {Mode.OK: 1.0}
    retry_after: RetryAfter = 1
    retry_after_text: HeaderText | None = None
    code: Annotated[str, Field(pattern=r"^[0-9]{1,5}[a-z]?$")] = "1"
    receipts: ReceiptFaults = ReceiptFaults()

    @property
    def retry_after_header(self) -> str:
        return str(self.retry_after) if self.retry_after_text is None else self.retry_after_text


def decide(faults: Faults, phone: int, draw: float) -> Mode:
    """Picks the mode of one request. `draw` is a random number, 0 <= draw < 1."""
    magic = MAGIC_PHONES.get(phone % 10_000)
    if magic is not None:
        return magic
    if draw < faults.error_rate:
        return Mode.ERROR500
    return _pick(faults.modes, (draw - faults.error_rate) / (1 - faults.error_rate))


def delay(faults: Faults, draw: float) -> timedelta:
    """Returns how long a reply is held back. `draw` is a random number, 0 <= draw < 1."""
    return timedelta(milliseconds=max(0.0, faults.latency_ms + (2 * draw - 1) * faults.jitter_ms))


def refuses(faults: Faults) -> bool:
    """Returns whether connections are refused. Any weight of refuse refuses all: a listener is open or closed."""
    return faults.modes.get(Mode.REFUSE, 0.0) > 0


def _pick(weights: Mapping[Mode, float], point: float) -> Mode:
    possible = [(mode, weight) for mode, weight in weights.items() if weight > 0]
    rest = point * sum(weights.values())
    for mode, weight in possible:
        rest -= weight
        if rest < 0:
            return mode
    # Rounding may leave a remainder after the last weight.
    return possible[-1][0]
