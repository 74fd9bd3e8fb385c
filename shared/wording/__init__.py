"""Says what is wrong with a value in words, by the kinds of error that pydantic knows."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from shared.statuses import MAILING_STATUSES, MESSAGE_STATUSES

Context = Mapping[str, Any]

_STATUS, _STATE = "|".join(MESSAGE_STATUSES), "|".join(MAILING_STATUSES)
# The patterns of field types, in words.
PATTERNS: Mapping[str, str] = {
    r"^7[0-9]{10}$": "must be 7 and ten more digits, without a plus sign, such as 79161234567",
    r"^[ ]*[+]?([ ().\-]*[0-9]){3,15}[ ().\-]*$": "must have at least three digits of a phone, such as 8 (916) 123",
    r"^[A-Za-z0-9._-]{1,64}$": "must have 1 to 64 letters, digits, dots, dashes and underscores",
    r"^[0-9]{3}$": "must be three digits, such as 916",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "must be a time of day from 00:00 to 23:59, such as 09:00",
    r"^[0-9a-f]{16}$": "must be the id of a dead letter: 16 digits from 0 to f",
    r"^[0-9a-f]{16}(,[0-9a-f]{16}){0,99}$": "must be up to 100 ids of dead letters, separated by commas",
    rf"^({_STATUS})(,({_STATUS})){{0,6}}$": f"must be statuses, separated by commas: {', '.join(MESSAGE_STATUSES)}",
    rf"^({_STATE})(,({_STATE})){{0,5}}$": f"must be statuses, separated by commas: {', '.join(MAILING_STATUSES)}",
}


def message_of(found: ErrorDetails) -> str:
    """Returns the reason of an error, without the value: that may be a phone or a text."""
    say = _WORDS.get(found["type"])
    return _in_plain_words(found["msg"]) if say is None else say(found.get("ctx", {}))


def _in_plain_words(message: str) -> str:
    """Shortens a message of pydantic, such as "Input should be a valid date, input is too short"."""
    text = message.removeprefix("Value error, ")
    if not text.startswith("Input should "):
        return text
    return text.removeprefix("Input should ").partition(", ")[0].replace("be ", "must be ", 1).replace("a valid", "a")


def _plural(count: int, noun: str, nouns: str) -> str:
    return f"{count:,} {noun if count == 1 else nouns}"


def _number(bound: float) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _fixed(words: str) -> Callable[[Context], str]:
    return lambda _: words


_OBJECT = _fixed("must be an object")
_WHOLE = _fixed("must be a whole number")
_NUMBER = _fixed("must be a number")
_TRUTH = _fixed("must be true or false")

_WORDS: Mapping[str, Callable[[Context], str]] = {
    "missing": _fixed("is required"),
    "extra_forbidden": _fixed("is unknown"),
    "string_type": _fixed("must be a string"),
    "string_unicode": _fixed("must be valid Unicode"),
    "string_pattern_mismatch": lambda context: PATTERNS.get(context["pattern"], "has the wrong form"),
    "string_too_short": lambda context: (
        f"must have at least {_plural(context['min_length'], 'character', 'characters')}"
    ),
    "string_too_long": lambda context: f"must have at most {_plural(context['max_length'], 'character', 'characters')}",
    "too_short": lambda context: f"must have at least {_plural(context['min_length'], 'entry', 'entries')}",
    "too_long": lambda context: f"must have at most {_plural(context['max_length'], 'entry', 'entries')}",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than_equal": lambda context: f"must be at least {_number(context['ge'])}",
    "less_than_equal": lambda context: f"must be at most {_number(context['le'])}",
    "greater_than": lambda context: f"must be more than {_number(context['gt'])}",
    "less_than": lambda context: f"must be less than {_number(context['lt'])}",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _fixed("must be a list"),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "literal_error": lambda context: f"must be one of {context['expected'].replace(' or ', ', ')}",
    "none_required": _fixed("must be null"),
}
