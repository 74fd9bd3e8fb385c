"""Files as people have them, in tests/files/: what is proposed for each, and what becomes of every line."""

import random
from pathlib import Path

import pytest

from services.api.clients.import_.csv_files.phones import NO_PHONE, SHORTENED
from services.api.clients.import_.csv_files.targets import FIELDS
from tests.unit.api.clients.import_.files import FOLDER, import_as_proposed, read

FILES = sorted(FOLDER.glob("*.csv"))


def test_there_are_files_of_many_kinds() -> None:
    assert len(FILES) >= 20


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_becomes_of_each_line_of_a_file(file: Path) -> None:
    assert import_as_proposed(file.read_bytes()) == file.with_suffix(".txt").read_text().splitlines()


@pytest.mark.no_cover
def test_a_hundred_thousand_lines_with_an_error_in_every_hundredth() -> None:
    wrong = {"нет": f"phone: {NO_PHONE}", "7,91612E+10": f"phone: {SHORTENED}", "": "phone: is required"}
    picked, lines, expected = random.Random(7), ["Телефон;Имя;Группа"], list[str]()
    for number in range(2, 100_002):
        phone = f"9{number:09d}"
        if number % 100 == 0:
            cell = picked.choice(list(wrong))
            expected.append(f"line {number} refused: {wrong[cell]}")
        else:
            cell = picked.choice(["+7 ({}) {}-{}", "8{}{}{}", "7{}{}{}"]).format(phone[:3], phone[3:6], phone[6:])
            expected.append(f"line {number}: 7{phone} attributes={{'name': 'Анна'}}, tag='опт'")
        lines.append(f"{cell};Анна;опт")
    said = import_as_proposed("\r\n".join([*lines, ""]).encode("cp1251"))
    assert said[:5] == [
        "encoding: windows-1251",
        "delimiter: semicolon",
        "header: True",
        "map: phone,attributes.name,tag",
        "phones: repair",
    ]
    assert said[5:] == expected


OTHER_SEPARATOR = "the columns are separated by semicolons: give delimiter=semicolon, or separate them by commas"
STRICT = "phone: must be 7 and ten more digits, without a plus sign, such as 79161234567"


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ({"delimiter": "semicolon"}, "phone;tag\n79161234567;a,b", ["line 2: 79161234567 tag='a,b'"]),
        ({}, "sep=;\nphone;tag\n79161234567;a", ["line 3: 79161234567 tag='a'"]),
        ({"delimiter": "tab"}, "sep=;\nphone\ttag\n79161234567\ta;", ["line 3: 79161234567 tag='a;'"]),
        ({}, "phone\n8 916 123 45 67", [f"line 2 refused: {STRICT}"]),
        ({}, "phone\n7,91612E+10", ["line 2 refused: it has 2 values where the header names 1"]),
        ({}, 'phone\n"7,91612E+10"', [f"line 2 refused: phone: {SHORTENED}"]),
        (
            {"map": "-,phone,attributes.points:number"},
            "a,b,c\nx,79161234567,1.5",
            ["line 2: 79161234567 attributes={'points': 1.5}"],
        ),
        (
            {"map": "phone,attributes.points:number"},
            "a,b\n79161234567,many",
            ["line 2 refused: attributes.points: must be a number"],
        ),
        ({"map": "phone,-"}, "a\n79161234567", ["refused: the map names 2 columns where the first line has 1"]),
        ({"map": "phone", "header": False}, "79161234567", ["line 1: 79161234567"]),
        (
            {"map": "phone,attributes.name", "on_empty": "clear"},
            "a,b\n79161234567,",
            ["line 2: 79161234567 attributes={'name': None}"],
        ),
        (
            {"on_empty": "clear", "default_tag": "new", "default_timezone": "MSK"},
            "phone,tag,timezone\n79161234567,,",
            ["line 2: 79161234567 tag='new', timezone='Europe/Moscow'"],
        ),
        ({}, "phone;tag\n79161234567;a", [f"refused: {OTHER_SEPARATOR}"]),
        ({}, "телефон\n79161234567", [f"refused: column 1 is unknown: the columns are {', '.join(FIELDS)}"]),
    ],
)
def test_the_parameters_of_an_import(query: dict[str, object], body: str, expected: list[str]) -> None:
    assert read(body.encode(), **query) == expected


def test_a_file_of_windows_says_which_encoding_to_give() -> None:
    (said,) = read("Телефон\n79161234567".encode("cp1251"))
    assert (
        said == "refused: the first line cannot be read: it is not UTF-8: if Excel wrote it, give encoding=windows-1251"
    )
