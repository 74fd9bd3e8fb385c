"""Files as people have them, imported as their inspection proposes; and their refused lines, mended and sent again."""

import asyncpg
import pytest

from tests.integration.api.fakes import Answered, Api
from tests.integration.api.http import assert_problem
from tests.unit.api.clients.import_.files import FOLDER

CLIENTS = "SELECT phone, attributes->>'name' AS name, tag FROM clients WHERE deleted_at IS NULL ORDER BY phone"


async def inspect(api: Api, body: bytes) -> Answered:
    return await api.call("POST", "/clients/import/inspect", data=body, headers={"Content-Type": "text/csv"})


async def import_as_proposed(api: Api, body: bytes, **query: str) -> Answered:
    proposal = (await inspect(api, body)).body["proposal"]
    return await api.upload(body, params={name: str(value) for name, value in proposal.items()} | query)


async def test_a_file_of_excel_is_imported_as_its_inspection_proposes(api: Api, pool: asyncpg.Pool) -> None:
    body = (FOLDER / "excel-windows-1251.csv").read_bytes()
    inspected = await inspect(api, body)
    assert inspected.body["phones"] == {"as_is": 0, "repairable": 3, "empty": 0, "repeated": 0, "refused": []}
    assert [(column["heading"], column["target"]) for column in inspected.body["columns"]] == [
        ("Телефон", "phone"),
        ("Имя", "attributes.name"),
        ("Группа", "tag"),
    ]
    assert await pool.fetchval("SELECT count(*) FROM clients") == 0
    imported = await import_as_proposed(api, body, default_tag="new")
    assert (imported.body["created"], imported.body["rejected"], imported.body["refused_csv"]) == (3, 0, None)
    assert [tuple(row) for row in await pool.fetch(CLIENTS)] == [
        ("79031234568", "Борис", "new"),
        ("79161234567", "Анна", "vip"),
        ("79261234569", "Ёлкина Мария", "опт"),
    ]


async def test_refused_lines_come_back_to_be_mended_and_sent_again(api: Api, pool: asyncpg.Pool) -> None:
    body = 'Телефон;Имя\n8 (916) 123-45-67;Анна\n7,91612E+10;Борис\nn/a;"Глеб; Л."\n'.encode("cp1251")
    imported = await import_as_proposed(api, body, refused="true")
    assert (imported.body["created"], imported.body["rejected"]) == (1, 2)
    header, boris, gleb, end = imported.body["refused_csv"].split("\r\n")
    assert (header, end) == ("Телефон;Имя;refused_line;refused_reason", "")
    assert boris.startswith("7,91612E+10;Борис;3;phone: Excel has shortened this number")
    assert gleb.startswith('n/a;"Глеб; Л.";4;phone: cannot be read as a phone')
    mended = imported.body["refused_csv"].replace("7,91612E+10", "9161234568").replace("n/a", "+7 916 123 45 69")
    again = await import_as_proposed(api, mended.encode(), refused="true")
    assert (again.body["created"], again.body["rejected"], again.body["refused_csv"]) == (2, 0, "")
    assert [row["name"] for row in await pool.fetch(CLIENTS)] == ["Анна", "Борис", "Глеб; Л."]


async def test_every_file_is_answered_and_no_line_is_lost(api: Api) -> None:
    for file in sorted(FOLDER.glob("*.csv")):
        body = file.read_bytes()
        refused_whole = "refused: the first line" in file.with_suffix(".txt").read_text()
        imported = await import_as_proposed(api, body)
        assert imported.status == (422 if refused_whole else 200), file.name


@pytest.mark.parametrize("body", [b"", b" \n", bytes(range(256)) * 4])
async def test_what_is_no_csv_is_refused_in_plain_words(api: Api, body: bytes) -> None:
    assert_problem(await inspect(api, body), 422)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"encoding": "koi8-r"}, "encoding"),
        ({"delimiter": "|"}, "delimiter"),
        ({"phones": "guess"}, "phones"),
        ({"map": "tag,-"}, "map"),
        ({"map": "phone,phone"}, "map"),
        ({"map": "phone,attributes.Имя"}, "map"),
        ({"header": "false"}, "map"),
        ({"default_timezone": "Mars/Phobos"}, "default_timezone"),
    ],
)
async def test_wrong_parameters_name_their_place(api: Api, query: dict[str, str], place: str) -> None:
    refused = await api.upload(b"phone\n79161234567\n", params=query)
    assert_problem(refused, 422)
    assert refused.body["errors"][0]["loc"] == ["query", place]
