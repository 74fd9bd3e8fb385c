"""Input meant to do harm: kept as the text that it is, or refused with a reason."""

import json
import re
from typing import Any

import pytest

from shared.texts.labels import clean
from tests.integration.api.fakes import Api
from tests.integration.api.http import assert_problem, head, raw
from tests.integration.api.rows import Rows, from_now

JSON = {"Content-Type": "application/json"}
INJECTIONS = [
    "'; DROP TABLE clients; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(10); --",
    "%' UNION SELECT hash FROM tokens --",
    "$1",
    "{}; {0}; %s; %(tag)s",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "\u202e \ufdfd e\u0301 \U0001f469\u200d\U0001f469\u200d\U0001f467",
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_an_injection_is_kept_as_the_text_that_it_is(api: Api, text: str) -> None:
    made = await api.post("/clients", {"phone": "79990000001", "tag": text})
    assert made.status == 201
    found = await api.get("/clients", params={"tag": text})
    assert [client["tag"] for client in found.body["items"]] == [clean(text)]
    body = {"text": text, "end_at": from_now(hours=1), "filter": {"tags": [text]}}
    mailing = await api.post("/mailings", body, headers={"Idempotency-Key": ascii(text)})
    # A text is sent as it is; tags are compared.
    assert (mailing.status, mailing.body["text"], mailing.body["filter"]["tags"]) == (201, text, [clean(text)])


@pytest.mark.parametrize("path", ["/mailings?q=", "/events?by=", "/events?kind=", "/clients?tag=", "/clients?q="])
async def test_a_search_for_what_no_text_holds_is_a_422(api: Api, path: str) -> None:
    for value in ("%00", "a%00b", "%1b", "%ED%A0%80"):
        assert_problem(await api.get(path + value), 422)


async def test_an_injection_in_an_import_is_kept_or_a_bad_line(api: Api, rows: Rows) -> None:
    lines = [{"phone": f"7999000000{i}", "tag": text} for i, text in enumerate(INJECTIONS)]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    done = await api.upload(body, "application/x-ndjson")
    assert (done.body["created"], done.body["rejected"]) == (len(INJECTIONS), 0)
    stored = [row["tag"] for row in await rows.pool.fetch("SELECT tag FROM clients ORDER BY phone")]
    assert stored == [clean(text) for text in INJECTIONS]


@pytest.mark.parametrize(
    "path",
    [
        "/clients/1;DROP TABLE clients",
        "/clients/1 OR 1=1",
        "/clients/1%27--",
        "/mailings/1%0d%0aX-Injected:%20yes",
        "/messages/-1",
        "/clients/1e3",
        "/clients/0x1",
    ],
)
async def test_an_injection_in_a_path_is_not_found(api: Api, path: str) -> None:
    refused = await api.get(path)
    assert_problem(refused, 404)
    assert "X-Injected" not in refused.headers


CURSORS = ["' OR 1=1", "Y2xpZW50czox'--", "Y2xpZW50czo5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "💥", "a" * 200]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_forged_cursor_is_a_422(api: Api, cursor: str) -> None:
    assert_problem(await api.get("/clients", params={"cursor": cursor}), 422)


CONTROL = [
    # field, value
    ("tag", "a\u0000b"),
    ("tag", "\u001b[31m"),
    ("tag", "a\r\nX-Injected: yes"),
    ("timezone", "../../../etc/passwd"),
    ("timezone", "UTC\u0000"),
    ("phone", "7999000000\u0000"),
    ("phone", "79990000001; DROP TABLE clients"),
]


@pytest.mark.parametrize(("field", "value"), CONTROL)
async def test_control_characters_and_paths_in_values_are_a_422(api: Api, field: str, value: str) -> None:
    refused = await api.post("/clients", {"phone": "79990000001", field: value})
    assert_problem(refused, 422)
    assert refused.body["errors"][0]["loc"] == ["body", field]


BROKEN_TEXTS = [
    # Keys that are the same once escapes are read, surrogates without a partner, and in keys.
    b'{"phone": "79990000001", "\\u0070hone": "79990000002"}',
    b'{"phone": "79990000001", "tag": "\\ude00\\ud83d"}',
    b'{"phone": "79990000001", "\\ud800": 1}',
    b'{"phone": "79990000001", "tag": "\xed\xa0\x80"}',
    b'{"phone": "79990000001", "tag": "\xc0\x80"}',
    b'{"phone": "79990000001"}{"phone": "79990000002"}',
    b'{"phone": "79990000001"}\x00',
    b"\x00",
    "{}".encode("utf-16"),
]


async def test_text_that_is_no_json_in_utf_8_is_a_400(api: Api, subtests: pytest.Subtests) -> None:
    for body in BROKEN_TEXTS:
        with subtests.test(body=body):
            assert_problem(await api.post("/clients", data=body, headers=JSON), 400)


async def test_a_surrogate_pair_is_one_character(api: Api) -> None:
    made = await api.post("/clients", data=b'{"phone": "79990000001", "tag": "\\ud83d\\ude00"}', headers=JSON)
    assert (made.status, made.body["tag"]) == (201, "😀")


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("field", ["text", "filter", "window", "start_at"])
async def test_values_nested_in_a_field_are_a_422(api: Api, field: str) -> None:
    body = {"text": "Hello", "end_at": from_now(hours=1), "filter": {}, field: nested(50)}
    refused = await api.post("/mailings", body)
    assert_problem(refused, 422)
    assert refused.body["errors"][0]["loc"][:2] == ["body", field]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "0." + "0" * 400 + "1"])
async def test_a_huge_number_is_a_422(api: Api, number: str) -> None:
    body = b'{"text": "Hello", "end_at": %b, "filter": {}}' % number.encode()
    refused = await api.post("/mailings", data=body, headers=JSON)
    assert_problem(refused, 422)
    assert refused.body["errors"][0]["loc"] == ["body", "end_at"]


HEADS = [
    # What is no HTTP never reaches the application.
    head("/clients", "Idempotency-Key: a\r\rb"),
    head("/clients", "X-Request-ID: a\x00b"),
    head("/clients", "Content-Length: 99999999999999999999x"),
    head("/clients", "Content-Length: -1"),
    head("/clients", "Content-Length: 5", "Content-Length: 6"),
    head("/clients", "Content-Length: 5", "Transfer-Encoding: chunked"),
    head("/clients", "X-Long: " + "x" * 20_000),
    head("/clients?" + "x" * 20_000),
]


@pytest.mark.parametrize("lines", HEADS, ids=range(len(HEADS)))
async def test_a_head_that_is_no_http_is_a_400_and_a_long_one_a_431(api: Api, lines: str) -> None:
    status = 431 if len(lines) > 10_000 else 400
    assert re.match(rb"HTTP/1.[01] %d " % status, await raw(api, lines))


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9"])
async def test_a_version_of_http_that_is_not_spoken_is_a_400(api: Api, version: str) -> None:
    answer = await raw(api, head("/clients").replace("HTTP/1.1", version))
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("key", ["x" * 256, "ключ", "a\tb"])
async def test_an_idempotency_key_that_is_not_fit_is_a_422(api: Api, key: str) -> None:
    body = {"text": "Hello", "end_at": from_now(hours=1), "filter": {}}
    refused = await api.post("/mailings", body, headers={"Idempotency-Key": key})
    assert_problem(refused, 422)
    assert refused.body["errors"][0]["loc"] == ["header", "Idempotency-Key"]


async def test_a_token_of_any_bytes_is_a_401(api: Api, subtests: pytest.Subtests) -> None:
    for token in ("' OR 1=1 --", "x" * 8000, "токен", "a b", "Bearer"):
        with subtests.test(token=token[:20]):
            assert_problem(await api.get("/clients", headers={"Authorization": f"Bearer {token}"}), 401)
