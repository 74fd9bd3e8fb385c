"""The API client waits after a 429, and turns a problem into one line."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from cli.connections.api import MAX_RETRIES, ApiClient, describe, seconds_of
from cli.failure import Failure


@pytest.mark.parametrize(
    ("header", "seconds"), [("0", 0), ("3", 3), ("1000000", 60), (None, 1), ("", 1), ("soon", 1), ("-1", 1)]
)
def test_how_long_to_wait(header: str | None, seconds: float) -> None:
    assert seconds_of(header) == seconds


class Busy:
    """A server that answers the first requests with 429."""

    def __init__(self, refusals: int) -> None:
        self.requests = 0
        self._refusals = refusals
        self.app = web.Application()
        self.app.router.add_route("*", "/api/v1/statistics", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests += 1
        if self.requests <= self._refusals:
            return web.json_response({"detail": "Too often."}, status=429, headers={"Retry-After": "0"})
        return web.json_response({"total": 1})


async def test_a_request_is_repeated_after_a_429() -> None:
    busy = Busy(MAX_RETRIES)
    async with TestServer(busy.app) as server, ClientSession(server.make_url("/")) as session:
        assert await ApiClient(session).get("/statistics") == {"total": 1}
    assert busy.requests == MAX_RETRIES + 1


async def test_a_request_is_not_repeated_for_ever() -> None:
    busy = Busy(1000)
    async with TestServer(busy.app) as server, ClientSession(server.make_url("/")) as session:
        with pytest.raises(Failure, match="Too often"):
            await ApiClient(session).get("/statistics")
    assert busy.requests == MAX_RETRIES + 1


async def test_an_upload_is_not_sent_twice() -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"phone"

    busy = Busy(1000)
    async with TestServer(busy.app) as server, ClientSession(server.make_url("/")) as session:
        with pytest.raises(Failure, match="Too often"):
            await ApiClient(session).upload("/statistics", content(), "text/csv", {})
    assert busy.requests == 1


@pytest.mark.parametrize(
    ("status", "problem", "line"),
    [
        (404, {"title": "Not Found", "detail": "There is no such mailing."}, "There is no such mailing."),
        (409, {"title": "Conflict"}, "Conflict"),
        # A proxy answered in HTML.
        (502, {}, "the API answered with status 502"),
        (
            401,
            {"detail": "No token."},
            "No token: set HERALD_TOKEN, or run this command in the folder where `herald up` runs, or below it",
        ),
        (
            422,
            {"detail": "Wrong.", "errors": [{"loc": ["body", "text"], "msg": "too long"}, {"loc": [], "msg": "odd"}]},
            "text too long; odd",
        ),
        (
            422,
            {
                "errors": [
                    {"loc": ["body", "filter", "operator_codes", 0], "msg": "must be three digits"},
                    {"loc": ["body", "window", "from"], "msg": "must be a time of day"},
                    {"loc": ["query", "limit"], "msg": "is wrong"},
                ]
            },
            "--operator must be three digits; --window must be a time of day; limit is wrong",
        ),
    ],
)
def test_a_problem_becomes_one_line(status: int, problem: dict[str, Any], line: str) -> None:
    assert describe(status, problem) == line
