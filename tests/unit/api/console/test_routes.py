"""The console over HTTP: public, a route for each file, and a policy that blocks everything else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.console.files import served
from tests.integration.api.fakes import an_app

FILES = {f"/console/{path}": media for path, media in served().items()}
EVERYTHING = {"/": "text/html; charset=utf-8", **FILES}

Client = TestClient[Any, Any]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(an_app())) as opened:
        yield opened


async def test_every_file_is_public_and_asked_for_again_each_time(client: Client) -> None:
    for path, media in EVERYTHING.items():
        async with client.get(path) as page:
            assert page.status == 200, path
            assert page.headers["Content-Type"] == media, path
            assert page.headers["Cache-Control"] == "no-cache", path
            assert page.headers["X-Content-Type-Options"] == "nosniff", path
            tag = page.headers["Etag"]
        async with client.get(path, headers={"If-None-Match": tag}) as again:
            assert (again.status, await again.read()) == (304, b""), path


async def test_every_file_answers_head_and_no_method_that_writes(client: Client) -> None:
    for path in EVERYTHING:
        async with client.head(path) as head:
            assert (head.status, await head.read()) == (200, b""), path
        async with client.post(path) as refused:
            assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD"), path


async def test_the_policy_lets_in_nothing_from_elsewhere_nothing_inline_and_no_html_from_text(client: Client) -> None:
    async with client.get("/") as page:
        policy = page.headers["Content-Security-Policy"]
    assert policy.split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]


async def test_a_file_may_load_nothing_at_all(client: Client) -> None:
    for path in FILES:
        async with client.get(path) as page:
            assert page.headers["Content-Security-Policy"].startswith("default-src 'none';"), path


@pytest.mark.parametrize(
    "path",
    [
        "/console/README.md",
        "/console/index.html",
        "/console/../files.py",
        "/console/%2e%2e/files.py",
        "/console/..%2ffiles.py",
        "/console/x",
        "/console//",
        "/console/main.js/",
        "/console/shared",
        "/console/shared/",
        "/console/shared/../main.js/",
        "/console/shared/%2e%2e/main.js/",
        "/console/api.js",
        "/main.js",
    ],
)
async def test_no_other_file_can_be_reached(client: Client, path: str) -> None:
    async with client.get(path) as page:
        assert page.status == 404


@pytest.mark.parametrize("path", ["/console", "/console/"])
async def test_a_short_way_leads_to_the_console(client: Client, path: str) -> None:
    async with client.get(path, allow_redirects=False) as found:
        assert (found.status, found.headers["Location"]) == (302, "/")
