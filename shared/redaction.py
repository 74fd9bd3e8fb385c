"""Masks phones, tokens and secrets, and escapes control characters, before text is shown or logged. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import unquote, urlsplit

import orjson

MASK = "***"
# A shorter secret, such as RabbitMQ's default "guest", occurs in too many harmless words.
LEAST_SECRET = 8
# Texts that are longer seldom come twice.
LONGEST_KNOWN = 64
MOST_KNOWN = 4096
_LEAST_PHONE = 7 * 10**10

_PHONE = re.compile(r"(?<![0-9])(7[0-9]{3})[0-9]{3}([0-9]{4})(?![0-9])")
# An id of hexadecimal digits may contain eleven decimal ones by chance, and must not be masked.
_PHONE_AS_ID = re.compile(r"(?<![0-9A-Za-z])(7[0-9]{3})[0-9]{3}([0-9]{4})(?![0-9A-Za-z])")
_IDS = frozenset({"request_id", "worker", "event_id"})
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")
_BEARER = re.compile(r"(bearer\s+)[^\s\"',;]+", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^\s:/@]*):[^\s/@]+@")
# C0, DEL, C1, marks of writing direction, line and paragraph separators, lone surrogates.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# Those of them that JSON does not escape.
_CONTROL_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SUSPECT_DIGITS = re.compile(rb"7[0-9]{10}")
_PASSWORD_IN_WRONG_URL = re.compile(r"//[^/@:]*:([^@]*)@")


def mask_phone(phone: str) -> str:
    """Masks a phone but for its first four and last four digits: 79991234567 becomes 7999***4567."""
    return f"{phone[:4]}***{phone[-4:]}" if len(phone) >= 8 else MASK


def escape(text: str) -> str:
    """Makes control characters visible and harmless to a terminal: a line feed becomes the two characters \\n."""
    return _CONTROL.sub(_visible, text)


def escape_json(line: bytes) -> bytes:
    """Escapes control characters that JSON leaves as they are and a terminal would obey. Only strings hold them."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode()).encode()


def _visible(found: re.Match[str]) -> str:
    number = ord(found[0])
    known = {9: "\\t", 10: "\\n", 13: "\\r"}.get(number)
    return known or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")


def secrets_in(value: str) -> list[str]:
    """Lists the secrets in a secret setting: the passwords of comma-separated URLs, or else the whole value."""
    if "://" not in value:
        return [value]
    passwords = [_password_of(part.strip()) for part in value.split(",")]
    return [form for password in passwords for form in {password, unquote(password)}]


def _password_of(url: str) -> str:
    """Returns the password of a URL, also of one that is wrong: it is told what is wrong, without the password."""
    try:
        return urlsplit(url).password or ""
    except ValueError:
        found = _PASSWORD_IN_WRONG_URL.search(url)
        return found[1] if found else ""


class Redactor:
    """A redactor of phones, tokens, passwords in URLs, and the secrets of this process."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self._encoded: list[bytes] = []
        # Short texts that were found to hold nothing to mask, and ids of which that is true as ids. The words of the
        # code and the id of a mailing's request are in thousands of lines.
        self._harmless: set[str] = set()
        self._harmless_ids: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Masks these from now on, too."""
        known = {*self._secrets, *(one for one in secrets if len(one) >= LEAST_SECRET)}
        if len(known) > len(self._secrets):
            # The longest first, since one may contain another.
            self._secrets = sorted(known, key=len, reverse=True)
            self._encoded = [orjson.dumps(one)[1:-1] for one in self._secrets]
            self._harmless.clear()
            self._harmless_ids.clear()

    def is_plain(self, event: Mapping[str, object]) -> bool:
        """Returns whether nothing in an event needs to be masked or escaped. It runs for every line, so it is fast.

        It says so only of numbers and of short texts. What else an event holds, `suspects` has to look at.
        """
        known = self._harmless
        if not known.issuperset(event) and not all(self._is_harmless("", key) for key in event):
            return False
        for value in event.values():
            kind = type(value)
            if kind is str:
                if value not in known:
                    return all(self._is_plain(key, value) for key, value in event.items())
            elif kind is int:
                if not -_LEAST_PHONE < value < _LEAST_PHONE:  # type: ignore[operator]
                    return False
            elif value is not None and kind is not float and kind is not bool:
                return False
        return True

    def _is_plain(self, key: str, value: object) -> bool:
        match value:
            case str():
                return self._is_harmless(key, value)
            case None | bool() | float():
                return True
            case int():
                return -_LEAST_PHONE < value < _LEAST_PHONE
            case _:
                return False

    def _is_harmless(self, key: str, text: str) -> bool:
        """Returns whether a text is harmless in this field, and remembers it if it is."""
        known, phone = (self._harmless_ids, _PHONE_AS_ID) if key in _IDS else (self._harmless, _PHONE)
        if text in known:
            return True
        if len(text) > LONGEST_KNOWN or not text.isascii() or not text.isprintable():
            return False
        if self._masked(text, phone) != text:
            return False
        if len(known) >= MOST_KNOWN:
            known.clear()
        known.add(text)
        # Most ids are harmless anywhere, and then `is_plain` finds them at once.
        if known is self._harmless_ids:
            self._is_harmless("", text)
        return True

    def suspects(self, line: bytes) -> bool:
        """Returns whether a JSON line may contain something to mask. It runs for every line, so it must be fast."""
        # JSON can write a secret differently, but only with such an escape. A generator would take far longer.
        if b"\\u" in line or b"://" in line or b"eyJ" in line or b"earer" in line or b"EARER" in line:
            return True
        for secret in self._encoded:
            if secret in line:
                return True
        return _SUSPECT_DIGITS.search(line) is not None

    def text(self, text: str) -> str:
        """Masks secrets, tokens and phones in a text."""
        return self._masked(text, _PHONE)

    def event(self, event: Mapping[str, object]) -> dict[str, object]:
        """Masks all strings of a log event, at any depth. Values that are neither text nor number become text."""
        return {
            self.text(str(key)): self._value(value, _PHONE_AS_ID if key in _IDS else _PHONE)
            for key, value in event.items()
        }

    def _value(self, value: object, phone: re.Pattern[str]) -> object:
        match value:
            case int() if not isinstance(value, bool) and value // 10**10 == 7:
                # A phone in place of an id: no id of a table gets that high.
                return mask_phone(str(value))
            case None | bool() | int() | float() | datetime():
                return value
            case str():
                return self._masked(value, phone)
            case Mapping():
                return self.event(value)
            case list() | tuple() | set() | frozenset():
                return [self._value(item, phone) for item in value]
            case _:
                return self._masked(str(value), phone)

    def _masked(self, text: str, phone: re.Pattern[str]) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = _BEARER.sub(rf"\1{MASK}", _JWT.sub(MASK, _PASSWORD.sub(rf"\1:{MASK}@", text)))
        return phone.sub(rf"\1{MASK}\2", text)
