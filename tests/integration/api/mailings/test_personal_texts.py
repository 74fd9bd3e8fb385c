"""Texts with placeholders: what a preview says of them, and when a mailing is refused."""

from typing import Any

import asyncpg
import pytest

from shared.texts.sms import count_segments
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now

TEXT = "Hello, {{name}}! {{bonus|No}} points."
PHONES = [f"7999000{place:04}" for place in range(10)]


async def some_people(rows: Rows, number: int = 10, nameless: int = 3) -> list[int]:
    ids = [await rows.client(phone) for phone in PHONES[:number]]
    await rows.pool.execute(
        "UPDATE clients SET attributes = jsonb_build_object('name', 'Anna' || id) WHERE id <> ALL ($1::bigint[])",
        ids[:nameless],
    )
    return ids


def a_mailing(text: str = TEXT, **fields: Any) -> dict[str, Any]:
    return {"text": text, "end_at": from_now(hours=1), "filter": {}, **fields}


async def test_a_preview_names_what_is_missing_and_shows_texts(api: Api, rows: Rows) -> None:
    ids = await some_people(rows)
    found = (await api.post("/mailings/preview", a_mailing())).body["personal"]
    assert found["placeholders"] == [
        {"name": "name", "required": True, "missing": 3, "sample": ids[:3], "phones": PHONES[:3]},
        {"name": "bonus", "required": False, "missing": 10, "sample": ids[:5], "phones": PHONES[:5]},
    ]
    assert (found["skipped"], found["too_long"]) == (3, 0)
    assert found["samples"][0] == {"client_id": ids[0], "text": None, "reason": "no value: name"}
    assert found["samples"][3]["text"] == f"Hello, Anna{ids[3]}! No points."
    assert found["segments"] == {"least": 1, "most": 1, "total": 7}


async def test_segments_are_counted_on_the_rendered_texts(api: Api, rows: Rows, pool: asyncpg.Pool) -> None:
    ids = await some_people(rows, nameless=0)
    names = ["A" * 153, "A" * 154, "Анна", "Я" * 64, "Я" * 63, "€" * 10, "A" * 400, "👍" * 31, "👍" * 32, "A" * 1990]
    for client, name in zip(ids, names, strict=True):
        await pool.execute(
            "UPDATE clients SET attributes = jsonb_build_object('name', $2::text) WHERE id = $1", client, name
        )
    found = (await api.post("/mailings/preview", a_mailing("Hello, {{name}}"))).body
    expected = [count_segments(f"Hello, {name}") for name in names]
    assert found["personal"]["segments"] == {"least": 1, "most": max(expected), "total": sum(expected)}
    assert found["sms_segments"] == max(expected)
    longer = (await api.post("/mailings/preview", a_mailing("Hello, dear {{name}}"))).body["personal"]
    assert longer["too_long"] == 1


async def test_a_mailing_whose_audience_lacks_values_is_refused_with_the_numbers(api: Api, rows: Rows) -> None:
    ids = await some_people(rows)
    refused = await api.post("/mailings", a_mailing())
    assert (refused.status, refused.body["code"]) == (409, "missing-values")
    lacking = {"name": "name", "required": True, "missing": 3, "sample": ids[:3], "phones": PHONES[:3]}
    assert refused.body["missing_values"] == [lacking]
    assert (await api.get("/mailings")).body["items"] == []
    made = await api.post("/mailings", a_mailing(on_missing="skip"))
    assert (made.status, made.body["on_missing"]) == (201, "skip")
    fallback = await api.post("/mailings", a_mailing("Hello, {{name|client}}!"))
    assert (fallback.status, fallback.body["text"]) == (201, "Hello, {{name|client}}!")
    later = await api.patch(f"/mailings/{fallback.body['id']}", {"text": "Hello, {{name}}!"})
    assert later.body["code"] == "missing-values"
    assert (
        await api.patch(f"/mailings/{fallback.body['id']}", {"text": "{{name}}", "on_missing": "skip"})
    ).status == 200


@pytest.mark.parametrize(("text", "place"), [("Hello, {{Name}}", 8), ("{{name", 1), ("x{{a|b|c}}", 2)])
async def test_unknown_syntax_is_refused_with_the_place(api: Api, text: str, place: int) -> None:
    refused = await api.post("/mailings", a_mailing(text))
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["body", "text"])
    assert refused.body["errors"][0]["msg"].startswith(f"at character {place}: ")


async def test_only_a_text_with_braces_is_personal(api: Api, pool: asyncpg.Pool) -> None:
    for text in ("Hello", r"\{{name}}", "{{name|you}}"):
        assert (await api.post("/mailings", a_mailing(text))).status == 201
    assert await pool.fetchval("SELECT array_agg(personal ORDER BY id) FROM mailings") == [False, True, True]
