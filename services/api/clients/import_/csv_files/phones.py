"""Repairs phones as people write them, and says why one cannot be repaired. Nothing is ever guessed. Pure."""

import re

from shared.texts.labels import BLANKS, UNSEEN

# What stands between the digits of a phone: blanks of every kind, dots, dashes, brackets. An apostrophe in front keeps
# a spreadsheet from reading a number.
_NOTHING = BLANKS + UNSEEN
_APOSTROPHES = "'\u2018\u2019\u02bc"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_BETWEEN = str.maketrans("", "", _NOTHING + _DASHES + ".()[]{}")
_PHONE = re.compile(r"(?:\+?7|8)([0-9]{10})|(9[0-9]{9})")
_AS_IS = re.compile(r"7[0-9]{10}")
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]*)?[eE\u0435\u0415]\+?[0-9]+")
# One dot or comma before one or two last digits: a number with decimals, not a phone with a dot in it.
_DECIMALS = re.compile(r"[0-9]+[.,][0-9]{1,2}")

SHORTENED = (
    "Excel has shortened this number (as in 7,9E+10) and lost its last digits: format the column as text, enter the "
    "phone again, and save the file again"
)
WITH_DECIMALS = "is a number with decimals: format the column as text or as a number without decimals"
NO_PHONE = "cannot be read as a phone: it takes +7, 8 or 7 and ten digits, or ten digits that begin with 9"


class Unrepairable(Exception):
    """A value is no phone, however it is read. The message gives the reason, without the value."""


def is_phone(text: str) -> bool:
    """Returns whether a phone needs no repair."""
    return _AS_IS.fullmatch(text) is not None


def repair(text: str) -> str:
    """Returns a phone as 7 and ten digits. Raises Unrepairable."""
    if _AS_IS.fullmatch(text) is not None:
        return text
    digits = text.strip(_NOTHING).lstrip(_APOSTROPHES)
    refuse_numbers(digits)
    found = _PHONE.fullmatch(digits.translate(_BETWEEN))
    if found is None:
        raise Unrepairable(NO_PHONE)
    return "7" + (found[1] or found[2])


def refuse_numbers(text: str) -> None:
    """Raises Unrepairable for what a spreadsheet made of a phone that it took for a number."""
    if _SCIENTIFIC.fullmatch(text) is not None:
        raise Unrepairable(SHORTENED)
    if _DECIMALS.fullmatch(text) is not None:
        raise Unrepairable(WITH_DECIMALS)
