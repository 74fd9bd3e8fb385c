"""Removes echoes of phone, text and secrets from a provider's reply before it is stored or logged. Pure."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, quote_plus

DETAIL_LENGTH = 200
# A run of the text as long as this is an echo and no accident; a shorter one reveals nothing.
LEAST_ECHO = 8
MASK = "***"

_DIGITS = re.compile(r"\d{7,}")
_SEPARATORS = r"[\s().-]*"
# Found in few replies. Elsewhere no pattern of the phone is made, which would take longer than all the rest.
_LIKE_A_PHONE = re.compile(rf"\d(?:{_SEPARATORS}\d){{9}}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def scrub(reply: str, *, phone: str, text: str, secrets: Iterable[str], values: Sequence[str] = ()) -> str | None:
    """Cuts a reply to one short line without phone, text, secrets, or `values` of the client; None if nothing is left.

    They are found plain and behind JSON escapes, secrets also as an address or a form has them, a phone also with
    separators between its digits, a text also in part, a short value where it stands as a word.
    """
    # First as it came, then with escapes undone; the longest secret first, since one may contain another.
    long = [value for value in values if len(value) >= LEAST_ECHO]
    encoded = [form for secret in secrets for form in (secret, quote(secret, safe=""), quote_plus(secret))]
    hidden = sorted(filter(None, (phone, text, *encoded, *long)), key=len, reverse=True)
    words = _words([value for value in values if len(value) < LEAST_ECHO])
    reply = _without(_unescaped(_without(reply, hidden, phone, words)), hidden, phone, words)
    line = _CONTROL.sub(" ", _DIGITS.sub(MASK, reply)).strip()
    return _without_echo(line[:DETAIL_LENGTH], _CONTROL.sub(" ", text)) or None


def _words(values: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, values))})(?!\w)", re.IGNORECASE) if values else None


def _without(reply: str, secrets: Iterable[str], phone: str, words: re.Pattern[str] | None) -> str:
    for secret in secrets:
        reply = reply.replace(secret, MASK)
    if words is not None:
        reply = words.sub(MASK, reply)
    if phone and _LIKE_A_PHONE.search(reply):
        return re.sub(_SEPARATORS.join(phone[-10:]), MASK, reply)
    return reply


def _unescaped(reply: str) -> str:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _SHORT.get(found[2], found[2]), reply)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_echo(line: str, text: str) -> str:
    """Masks every run of the line that is a part of the text."""
    kept, place = [], 0
    while place < len(line):
        end = place + LEAST_ECHO
        if end > len(line) or line[place:end] not in text:
            kept.append(line[place])
            place += 1
            continue
        while end < len(line) and line[place : end + 1] in text:
            end += 1
        kept.append(MASK)
        place = end
    return "".join(kept)
