"""HEAD and OPTIONS, which follow from the route table."""

import pytest

from services.api.routes import ROUTES
from tests.integration.api.fakes import Api
from tests.integration.api.http import bare, path_of
from tests.integration.api.rows import Rows

GETS = [
    "/clients",
    "/clients/{client}",
    "/clients/export",
    "/mailings",
    "/mailings/{mailing}",
    "/mailings/{mailing}/messages",
    "/mailings/{mailing}/statistics",
    "/messages/{message}",
    "/statistics",
    "/statistics/mailings",
]


async def paths(rows: Rows) -> list[str]:
    client, mailing = await rows.client("79990000001", tag="vip"), await rows.mailing("running")
    message = await rows.message(mailing, client)
    return [path.format(client=client, mailing=mailing, message=message) for path in GETS]


async def test_head_answers_what_get_would_without_the_body(api: Api, rows: Rows, subtests: pytest.Subtests) -> None:
    for path in await paths(rows):
        with subtests.test(path=path):
            asked, body = await bare(api, "GET", path)
            head, nothing = await bare(api, "HEAD", path)
            assert (head.status, nothing) == (200, b"")
            for name in ("Content-Type", "Cache-Control", "Vary", "Link", "Content-Length"):
                assert head.headers.get(name) == asked.headers.get(name), name
            if "Content-Length" in asked.headers:
                assert int(head.headers["Content-Length"]) == len(body)
            assert (await bare(api, "HEAD", path, Authorization="Bearer wrong"))[0].status == 401


async def test_head_of_a_csv_does_not_write_it(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    head, body = await bare(api, "HEAD", f"/mailings/{mailing}/messages", Accept="text/csv")
    assert (head.status, head.content_type, body) == (200, "text/csv", b"")
    assert (await bare(api, "HEAD", "/mailings/99/messages"))[0].status == 404


async def test_options_names_the_methods_of_a_path(api: Api, rows: Rows, subtests: pytest.Subtests) -> None:
    await rows.token("look", "viewer")
    expected: dict[str, set[str]] = {}
    for route in ROUTES:
        methods = expected.setdefault(route.path, {"OPTIONS"})
        methods |= {route.method} | ({"HEAD"} if route.answers_head else set())
    for path, methods in expected.items():
        with subtests.test(path=path):
            plain = path_of(path, "a" if "{provider:" in path else "1")
            answered, body = await bare(api, "OPTIONS", plain, Authorization="Bearer look")
            assert (answered.status, body) == (204, b"")
            assert set(answered.headers["Allow"].split(", ")) == methods
            assert (await bare(api, "OPTIONS", plain, Authorization=""))[0].status == 401
    assert (await bare(api, "OPTIONS", "/nothing"))[0].status == 404
