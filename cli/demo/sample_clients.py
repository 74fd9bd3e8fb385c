"""The sample clients of `herald demo`. Nobody has their phones, and some of these cause faults of the sandbox. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

CLIENTS = 1000
OPERATOR_CODES = ("901", "905", "916", "926", "999")
# The mailing is for all operators but the last, so that the filter excludes some clients.
ADDRESSED = OPERATOR_CODES[:-1]
ZONES = ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok")
# The last four digits of a phone choose a fault of the sandbox. Every hundredth client has one of these; all of them
# are of the first operator. The other phones end in 1000 or more, which chooses none.
MAGIC = ("0400", "0400", "0400", "0500", "0500", "0500", "0200", "0200", "0429", "0429")
BETWEEN_MAGIC = 100
FIRST_ENDING = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """A client to be imported."""

    phone: str
    operator_code: str
    timezone: str


def make_samples(run: int) -> list[Sample]:
    """Makes the clients of a run with a number from 0 to 9999, which makes their phones unique.

    They have a zero after the seven, which no real phone has.
    """
    return [
        Sample(_phone(run, place), OPERATOR_CODES[place % len(OPERATOR_CODES)], ZONES[place % len(ZONES)])
        for place in range(CLIENTS)
    ]


def _phone(run: int, place: int) -> str:
    group, rest = divmod(place, BETWEEN_MAGIC)
    ending = MAGIC[group] if rest == 0 else str(FIRST_ENDING + place)
    # The group keeps phones with the same ending apart.
    return f"70{run:04}{group}{ending}"


def to_csv(samples: Sequence[Sample], tag: str) -> bytes:
    """Formats the clients as the CSV file that is imported."""
    lines = (f"{sample.phone},{sample.operator_code},{tag},{sample.timezone}" for sample in samples)
    return "\n".join(("phone,operator_code,tag,timezone", *lines, "")).encode()


def count_addressed(samples: Sequence[Sample]) -> int:
    return sum(sample.operator_code in ADDRESSED for sample in samples)
