"""What holds for every route: problems, request ids, types and sizes."""

import asyncio
import gzip
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from services.api.web.bodies import MAX_BODY
from tests.integration.api.fakes import ADMIN_TOKEN, AUTHORIZED, Api
from tests.integration.api.rows import Rows

JSON = {"Content-Type": "application/json"}
CLIENT = b'{"phone": "79990000001"}'


def assert_problem(answered: Any, status: int) -> None:
    assert answered.status == status
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert answered.body["status"] == status
    assert answered.body["type"] == "about:blank"
    assert answered.body["title"]
    assert answered.headers["X-Request-ID"]


MISSING = [
    "/nothing",
    "/clients/",
    "/clients/abc",
    "/clients/-1",
    "/clients/0",
    "/clients/1",
    "/clients/9223372036854775807",
    "/clients/9223372036854775808",
    "/clients/9999999999999999999",
    "/clients/99999999999999999999999999999999",
    "/clients/%D9%A1",
    "/clients/1%00",
    "/mailings/1",
    "/mailings/9223372036854775808",
    "/mailings/1/statistics",
    "/messages/1",
    "/messages/9223372036854775808",
]


async def test_what_is_not_there_is_a_404(api: Api, subtests: pytest.Subtests) -> None:
    for path in MISSING:
        with subtests.test(path=path):
            assert_problem(await api.get(path), 404)


async def test_a_path_outside_of_the_api_is_a_404_without_a_token(api: Api) -> None:
    async with api.client.get("/nothing") as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/clients", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/clients/1", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        ("GET", "/clients/import", {"OPTIONS", "POST"}),
        ("GET", "/mailings/1/pause", {"OPTIONS", "POST"}),
        ("DELETE", "/statistics", {"GET", "HEAD", "OPTIONS"}),
        ("PROPFIND", "/mailings", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("HEAD", "/mailings/1/statistics/stream", {"GET", "OPTIONS"}),
    ],
)
async def test_another_method_is_a_405_that_names_the_allowed(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    refused = await api.call(method, path)
    if method != "HEAD":
        assert_problem(refused, 405)
    assert refused.status == 405
    assert set(refused.headers["Allow"].split(",")) == allowed


BROKEN = [
    b"",
    b"{",
    b"nonsense",
    b"\xff",
    b"\xef\xbb\xbf{}",
    b'{"phone": "79990000001",}',
    b'{"phone": NaN}',
    b'{"phone": -Infinity}',
    b"'phone'",
    b'{"phone": "79990000001", "phone": "79990000002"}',
    b'{"phone": "79990000001", "tag": {"a": 1, "a": 2}}',
    b'{"phone": "79990000001", "tag": "\\ud800"}',
    b'{"phone": "79990000001", "tag": "a\nb"}',
    b'{"phone": ' + b"9" * 10_000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 500 + b"]" * 500,
]


async def test_broken_json_is_a_400(api: Api, subtests: pytest.Subtests) -> None:
    for body in BROKEN:
        with subtests.test(body=body[:40]):
            assert_problem(await api.post("/clients", data=body, headers=JSON), 400)


OF_ANOTHER_KIND = [
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b'{"phone": ' + b"9" * 1000 + b"}",
    b'{"phone": 1e999999}',
    b'{"phone": []}',
]


async def test_json_of_another_kind_is_a_422(api: Api, subtests: pytest.Subtests) -> None:
    for body in OF_ANOTHER_KIND:
        with subtests.test(body=body[:40]):
            refused = await api.post("/clients", data=body, headers=JSON)
            assert_problem(refused, 422)
            assert refused.body["errors"][0]["loc"][0] == "body"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "nonsense"]
)
async def test_another_content_type_is_a_415(api: Api, media: str) -> None:
    assert_problem(await api.post("/clients", data=CLIENT, headers={"Content-Type": media}), 415)
    assert_problem(await api.patch("/clients/1", data=CLIENT, headers={"Content-Type": media}), 415)


async def test_a_merge_patch_is_only_for_patch(api: Api) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    assert_problem(await api.post("/clients", data=CLIENT, headers=headers), 415)


async def test_a_body_without_a_type_is_a_415(api: Api) -> None:
    async with api.client.post(
        "/api/v1/clients", data=CLIENT, headers=AUTHORIZED, skip_auto_headers=["Content-Type"]
    ) as response:
        assert response.status == 415


async def test_a_body_too_large_is_a_413(api: Api) -> None:
    assert_problem(await api.post("/clients", data=io.BytesIO(b" " * (MAX_BODY + 1)), headers=JSON), 413)

    async def chunked() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65536

    assert_problem(await api.post("/clients", data=chunked(), headers=JSON), 413)
    assert_problem(await api.post("/clients", data=gzip.compress(b" " * MAX_BODY * 20), headers=JSON | GZIP), 413)


GZIP = {"Content-Encoding": "gzip"}


async def test_a_compressed_body_is_read(api: Api) -> None:
    assert (await api.post("/clients", data=gzip.compress(CLIENT), headers=JSON | GZIP)).status == 201


WRONG_QUERIES = [
    # path, parameter
    ("/clients?limi=1", "limi"),
    ("/clients?limit=0", "limit"),
    ("/clients?limit=1001", "limit"),
    ("/clients?limit=many", "limit"),
    ("/clients?limit=" + "9" * 5000, "limit"),
    ("/clients?limit=1&limit=2", "limit"),
    ("/clients?cursor=", "cursor"),
    ("/clients?cursor=nonsense", "cursor"),
    ("/clients?cursor=bWFpbGluZ3M6MQ", "cursor"),
    ("/clients?cursor=%00", "cursor"),
    ("/clients?cursor=%FF", "cursor"),
    ("/clients?operator_code=99", "operator_code"),
    ("/clients?phone=%2B79990000001", "phone"),
    ("/clients?tag=%00", "tag"),
    ("/clients?tag=" + "x" * 65, "tag"),
    ("/clients/1?verbose=1", "verbose"),
    ("/clients/export?limit=1", "limit"),
    ("/mailings?status=done", "status"),
    ("/mailings?cursor=Y2xpZW50czox", "cursor"),
    ("/mailings/1/messages?status=done", "status"),
    ("/mailings/1/messages?cursor=x", "cursor"),
    ("/statistics?x=1", "x"),
    ("/statistics/mailings?cursor=x", "cursor"),
    ("/statistics/mailings?status=running", "status"),
]


async def test_a_wrong_query_parameter_is_a_422(api: Api, subtests: pytest.Subtests) -> None:
    for path, parameter in WRONG_QUERIES:
        with subtests.test(path=path[:60]):
            refused = await api.get(path)
            assert_problem(refused, 422)
            assert refused.body["errors"][0]["loc"] == ["query", parameter]
            assert refused.body["errors"][0]["msg"]


async def test_a_wrong_parameter_of_an_import_is_a_422(api: Api) -> None:
    assert_problem(await api.upload(b"phone\n", params={"on_conflict": "replace"}), 422)


@pytest.mark.parametrize("sent", ["abc", "A-b_c.9", "x" * 64])
async def test_a_request_id_comes_back(api: Api, sent: str) -> None:
    for path in ("/clients", "/nothing", "/clients/export"):
        assert (await api.get(path, headers={"X-Request-ID": sent})).headers["X-Request-ID"] == sent


async def test_a_request_id_that_is_not_fit_is_replaced(api: Api, subtests: pytest.Subtests) -> None:
    for sent in ("", "x" * 65, "a b", "ключ", "a/b", "{}"):
        with subtests.test(sent=sent):
            made = (await api.get("/clients", headers={"X-Request-ID": sent})).headers["X-Request-ID"]
            assert re.fullmatch(r"[0-9a-f]{32}", made)


async def test_each_request_is_one_log_line_without_secrets(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    with capture_logs(processors=[merge_contextvars]) as lines:
        await api.post("/clients", {"phone": "79990000001", "tag": "secret-tag"}, headers={"X-Request-ID": "r1"})
        await api.post("/clients", {"phone": "79990000001"})
        await api.patch(f"/mailings/{mailing}", {"text": "secret-text"})
        await api.get("/clients?phone=79990000001")
        await api.get("/nothing")
    answered = [line for line in lines if line["event"] == "request answered"]
    assert [(line["method"], line["path"], line["status"]) for line in answered] == [
        ("POST", "/api/v1/clients", 201),
        ("POST", "/api/v1/clients", 409),
        ("PATCH", "/api/v1/mailings/{mailing_id}", 200),
        ("GET", "/api/v1/clients", 200),
        ("GET", "unmatched", 404),
    ]
    assert answered[0]["request_id"] == "r1"
    assert answered[0]["client_id"] > 0
    assert answered[0]["duration_ms"] > 0
    assert answered[2]["mailing_id"] == mailing
    text = repr(lines)
    for secret in ("79990000001", "secret-tag", "secret-text", ADMIN_TOKEN):
        assert secret not in text


async def test_many_wrong_values_are_answered_briefly(api: Api) -> None:
    body = {"text": "", "end_at": 1, "filter": {"operator_codes": ["x"] * 1000}}
    refused = await api.post("/mailings", body)
    assert_problem(refused, 422)
    assert len(refused.body["errors"]) == 100
    locs = [tuple(error["loc"]) for error in refused.body["errors"]]
    assert locs[:3] == [("body", "text"), ("body", "end_at"), ("body", "filter", "operator_codes", 0)]


async def raw(api: Api, head: str, body: bytes = b"") -> bytes:
    """Sends bytes as they are, and returns the heads that come back up to the final one."""
    assert api.client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.port)
    try:
        writer.write(head.replace("\n", "\r\n").encode() + body)
        async with asyncio.timeout(20):
            first = await reader.readuntil(b"\r\n\r\n")
            return first + (await reader.readuntil(b"\r\n\r\n") if b" 100 " in first else b"")
    finally:
        writer.close()


def head(path: str, *lines: str, token: str = ADMIN_TOKEN) -> str:
    fixed = (f"POST /api/v1{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Connection: close")
    return "\n".join((*fixed, *lines)) + "\n\n"


@pytest.mark.parametrize("path", ["/clients", "/clients/import"])
async def test_a_body_that_cannot_be_decompressed_is_a_400(api: Api, path: str) -> None:
    media = "application/json" if path == "/clients" else "text/csv"
    headers = {"Content-Type": media, "Content-Encoding": "gzip"}
    assert_problem(await api.post(path, data=b"this is no gzip", headers=headers), 400)


async def test_a_body_is_invited_only_when_it_is_wanted(api: Api) -> None:
    lines = ("Content-Type: application/json", f"Content-Length: {len(CLIENT)}", "Expect: 100-continue")
    welcome = await raw(api, head("/clients", *lines), CLIENT)
    assert welcome.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
    refused = await raw(api, head("/clients", *lines, token="wrong"))
    assert refused.startswith(b"HTTP/1.1 401")
