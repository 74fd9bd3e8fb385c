"""Bodies of requests: their type, their size, and what cannot be read."""

import gzip
import io
from collections.abc import AsyncIterator

import pytest

from services.api.web.bodies import MAX_BODY
from tests.integration.api.fakes import AUTHORIZED, Api
from tests.integration.api.http import assert_problem, head, raw

JSON = {"Content-Type": "application/json"}

CLIENT = b'{"phone": "79990000001"}'

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


@pytest.mark.parametrize("path", ["/clients", "/clients/import"])
async def test_a_body_that_cannot_be_decompressed_is_a_400(api: Api, path: str) -> None:
    media = "application/json" if path == "/clients" else "text/csv"
    headers = {"Content-Type": media, "Content-Encoding": "gzip"}
    assert_problem(await api.post(path, data=b"this is no gzip", headers=headers), 400)


IMPORT = b"phone\n" + b"".join(b"7999%07d\n" % number for number in range(20_000))


@pytest.mark.parametrize("path", ["/clients", "/clients/import"])
async def test_a_compressed_body_that_is_cut_is_a_400(api: Api, path: str) -> None:
    body, media = (CLIENT, "application/json") if path == "/clients" else (IMPORT, "text/csv")
    headers = {"Content-Type": media, "Content-Encoding": "gzip"}
    whole = gzip.compress(body)
    for broken in (whole[: len(whole) // 2], whole[:-1], whole + b"x"):
        assert_problem(await api.post(path, data=broken, headers=headers), 400)


@pytest.mark.parametrize("encoding", ["br", "zstd", "foo", "gzip, gzip"])
async def test_another_encoding_is_a_415_that_names_those_accepted(api: Api, encoding: str) -> None:
    refused = await api.post("/clients", data=CLIENT, headers={**JSON, "Content-Encoding": encoding})
    assert_problem(refused, 415)
    assert refused.headers["Accept-Encoding"] == "gzip, deflate"


async def test_a_body_that_grows_without_end_is_a_413(api: Api) -> None:
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    bomb = gzip.compress(b"\n" * 300_000_000)
    assert_problem(await api.post("/clients/import", data=bomb, headers=headers), 413)


@pytest.mark.parametrize(
    "body",
    [
        b'{"phone": "79990000001", ' + b", ".join(b'"k%d": 1' % number for number in range(80_000)) + b"}",
        b'{"tag": [' + b"1," * 500_000 + b"1]}",
        b'{"tag": [' + b"{}," * 300_000 + b"{}]}",
        b'{"tag": [' + b"{}," * 5_001 + b"{}]}",
        b'{"tag": [' + b"1," * 20_001 + b"1]}",
    ],
)
async def test_a_body_of_very_many_values_is_a_400(api: Api, body: bytes) -> None:
    assert_problem(await api.post("/clients", data=io.BytesIO(body), headers=JSON), 400)


@pytest.mark.parametrize(
    "sent",
    [
        b"secret nonsense\r\n\r\n",
        b"GET /api/ HTTP/1.1\r\nsecret\r\n\r\n",
        b"GET /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: secret\r\n\r\n",
        b"GET /api/ HTTP/9.9\r\nHost: secret\r\n\r\n",
        b"GET /" + b"secret" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02secret\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_problem_too(api: Api, sent: bytes) -> None:
    answered = await raw(api, "", sent)
    assert answered.split(b" ")[1] in {b"400", b"431"}
    assert b"Content-Type: application/problem+json" in answered
    assert b"X-Request-ID: " in answered
    assert b"secret" not in answered


async def test_a_body_is_invited_only_when_it_is_wanted(api: Api) -> None:
    lines = ("Content-Type: application/json", f"Content-Length: {len(CLIENT)}", "Expect: 100-continue")
    welcome = await raw(api, head("/clients", *lines), CLIENT)
    assert welcome.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
    refused = await raw(api, head("/clients", *lines, token="wrong"))
    assert refused.startswith(b"HTTP/1.1 401")
