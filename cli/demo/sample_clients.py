"""The sample clients of `herald demo`: phones nobody has, and a few that make the sandbox misbehave."""

from collections.abc import Sequence
from dataclasses import dataclass

CLIENTS = 1000
OPERATOR_CODES = ("901", "905", "916", "926", "999")
# The mailing is for all but the last of them, so that somebody is left out.
ADDRESSED = OPERATOR_CODES[:-1]
ZONES = ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok")
# The last four digits of a phone choose a fault of the sandbox; every hundredth client, all of the first operator,
# has one. The other phones end in 1000 and more, which means nothing.
MAGIC = ("0400", "0400", "0400", "0500", "0500", "0500", "0200", "0200", "0429", "0429")
BETWEEN_MAGIC = 100
FIRST_ENDING = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    phone: str
    operator_code: str
    timezone: str


def make_samples(run: int) -> list[Sample]:
    """Makes the clients of one run, 0 to 9999. No real phone has a zero after the seven."""
    return [
        Sample(_phone(run, place), OPERATOR_CODES[place % len(OPERATOR_CODES)], ZONES[place % len(ZONES)])
        for place in range(CLIENTS)
    ]


def _phone(run: int, place: int) -> str:
    group, rest = divmod(place, BETWEEN_MAGIC)
    ending = MAGIC[group] if rest == 0 else str(FIRST_ENDING + place)
    # The group tells apart phones with the same ending.
    return f"70{run:04}{group}{ending}"


def to_csv(samples: Sequence[Sample], tag: str) -> bytes:
    """Writes the file that is imported."""
    lines = (f"{sample.phone},{sample.operator_code},{tag},{sample.timezone}" for sample in samples)
    return "\n".join(("phone,operator_code,tag,timezone", *lines, "")).encode()


def count_addressed(samples: Sequence[Sample]) -> int:
    return sum(sample.operator_code in ADDRESSED for sample in samples)
