"""Guesses what a column holds by its heading, in English and in Russian. Pure."""

import re
from collections.abc import Mapping, Sequence

from services.api.clients.import_.csv_files.targets import FIELDS, NOTHING, PREFIX, REFUSED_COLUMNS

_WORDS: Mapping[str, str] = {
    "phone": "phone|phone number|mobile|mobile phone|mobile number|cell|cell phone|cellphone|tel|telephone|msisdn|"
    "contact phone|number|телефон|номер телефона|тел|моб|мобильный|мобильный телефон|моб телефон|сотовый|"
    "сотовый телефон|контактный телефон|телефон клиента|номер",
    "operator_code": "operator code|operator|def|код оператора|оператор|def код",
    "tag": "tag|label|segment|group|category|тег|метка|сегмент|группа|категория",
    "tags": "tags|labels|groups|теги|метки|группы",
    "timezone": "timezone|time zone|tz|zone|часовой пояс|пояс|таймзона|часовая зона",
    "external_id": "external id|client id|customer id|id|код клиента|номер клиента|ид клиента|ид|внешний код",
    "attributes.name": "name|first name|firstname|given name|имя|имя клиента",
    "attributes.last_name": "last name|lastname|surname|family name|фамилия",
    "attributes.middle_name": "middle name|patronymic|отчество",
    "attributes.full_name": "full name|fullname|customer|client|фио|\u0444 \u0438 \u043e|клиент",
    "attributes.email": "email|e mail|mail|почта|эл почта|электронная почта",
    "attributes.city": "city|town|город",
    "attributes.birthday": "birthday|birth date|date of birth|dob|день рождения|дата рождения|др",
    "attributes.contract": "contract|contract number|contract no|договор|номер договора|n договора|договор n",
    "attributes.company": "company|organization|organisation|компания|организация",
    "attributes.gender": "gender|sex|пол",
    "attributes.points": "points|bonus|bonuses|баллы|бонусы",
}
_BY_HEADING = {words: target for target, listed in _WORDS.items() for words in listed.split("|")}
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_LATIN = "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch  y  e yu ya"
_LETTERS = dict(zip(_CYRILLIC, _LATIN.split(" "), strict=True))
_LONGEST = 32


def guess(headings: Sequence[str]) -> list[str | None]:
    """Proposes a target for each heading: a field, an attribute, or None for a column without a heading.

    The first column of two that mean the same wins, and the other is left out.
    """
    guessed, taken = list[str | None](), set[str]()
    for heading in headings:
        target = _guess_one(heading)
        if target in taken:
            target = None
        if target is not None:
            taken.add(target)
        guessed.append(target)
    return guessed


def is_known(heading: str) -> bool:
    """Returns whether a heading is one that people use: such a row is a header, not a client."""
    return _normal(heading) in _BY_HEADING or heading.lower() in FIELDS


def _guess_one(heading: str) -> str | None:
    lowered = heading.strip().lower()
    if lowered in REFUSED_COLUMNS:
        return None
    if lowered in FIELDS or (lowered.startswith(PREFIX) and _attribute(lowered.removeprefix(PREFIX)) == lowered):
        return lowered
    return _BY_HEADING.get(_normal(heading)) or _attribute(heading)


def _normal(heading: str) -> str:
    """Returns a heading in lower case, without ё, and with one blank for all that is no letter or digit."""
    return re.sub(r"[\W_]+", " ", heading.strip().lower().replace("\u0451", "\u0435").replace("№", "n ")).strip()


def _attribute(heading: str) -> str | None:
    """Makes the name of an attribute out of any heading, in Latin letters."""
    latin = "".join(_LETTERS.get(letter, letter) for letter in heading.strip().lower())
    name = re.sub(r"[^a-z0-9]+", "_", latin).strip("_").lstrip("0123456789_")[:_LONGEST].rstrip("_")
    return PREFIX + name if name and name != NOTHING else None
