"""Turns a part of a phone, as people write it, into patterns of LIKE. Pure."""

_TRUNK, _COUNTRY = "8", "7"


def patterns_of(text: str) -> list[str]:
    """Returns the patterns of the phones that a part may belong to: 79161234567 is how a phone is stored.

    A part may stand anywhere; one with a plus sign is the beginning. An 8 in front may also stand for the 7.
    """
    digits = "".join(char for char in text if char in "0123456789")
    if text.lstrip().startswith("+"):
        return [f"{digits}%"]
    anywhere = [f"%{digits}%"]
    return [*anywhere, f"{_COUNTRY}{digits[1:]}%"] if digits.startswith(_TRUNK) else anywhere
