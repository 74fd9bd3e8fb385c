"""Requests that a usual client would not send, and the check of a problem."""

import asyncio
from typing import Any

from aiohttp import ClientResponse

from services.api.web.problem_kinds import KINDS
from services.api.web.route import PREFIX
from tests.integration.api.fakes import ADMIN_TOKEN, AUTHORIZED, Api


def assert_problem(answered: Any, status: int) -> None:
    assert answered.status == status
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert answered.body["status"] == status
    assert KINDS[answered.body["code"]].status == status
    assert answered.body["type"] == f"/docs/problems#{answered.body['code']}"
    assert answered.body["title"]
    assert answered.headers["X-Request-ID"]


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


async def raw_heads(api: Api, sent: str, count: int) -> list[bytes]:
    """Sends requests over one connection, and returns the heads of as many answers, which must have no bodies."""
    assert api.client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.port)
    try:
        writer.write(sent.replace("\n", "\r\n").encode())
        async with asyncio.timeout(20):
            return [await reader.readuntil(b"\r\n\r\n") for _ in range(count)]
    finally:
        writer.close()


def head(path: str, *lines: str, token: str = ADMIN_TOKEN) -> str:
    fixed = (f"POST /api/v1{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Connection: close")
    return "\n".join((*fixed, *lines)) + "\n\n"


async def bare(api: Api, method: str, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
    """Sends only the headers that are named, and returns the answer as it is, compressed or not."""
    skipped = ["Accept-Encoding", "Accept"]
    async with api.client.request(
        method, PREFIX + path, headers={**AUTHORIZED, **headers}, skip_auto_headers=skipped, auto_decompress=False
    ) as response:
        return response, await response.read()


def path_of(template: str, value: str = "1") -> str:
    """Returns a path of a route: each place of its template, such as {client_id:[0-9]{1,19}}, has this value."""
    path, depth = "", 0
    for char in template:
        if char == "{":
            path += value if depth == 0 else ""
            depth += 1
        elif char == "}":
            depth -= 1
        elif depth == 0:
            path += char
    return path
