"""The pages for people: /docs/, /api/ and the document, open to everybody and to nothing else."""

import re

import pytest

from services.api.openapi.document import build
from services.api.pages.files import FOLDER, MEDIA
from services.api.routes import ROUTES
from tests.integration.api.fakes import Answered, Api

PAGES = {"/docs/": "text/html; charset=utf-8", "/api/": "text/html; charset=utf-8", "/openapi.json": "application/json"}
FILES = {f"/docs/{name}": media for name, media in MEDIA.items()}


async def get(api: Api, path: str, **more: str) -> Answered:
    async with api.client.get(path, headers=more, allow_redirects=False) as response:
        return Answered(response.status, await response.read(), dict(response.headers))


@pytest.mark.parametrize("path", [*PAGES, *FILES])
async def test_a_page_is_for_everybody_and_asked_for_again_each_time(api: Api, path: str) -> None:
    page = await get(api, path)
    assert page.status == 200
    assert page.headers["Content-Type"] == {**PAGES, **FILES}[path]
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Request-ID"]
    again = await get(api, path, **{"If-None-Match": page.headers["Etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", [*PAGES, *FILES])
async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(api: Api, path: str) -> None:
    policy = (await get(api, path)).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_everything_that_a_page_names_is_there(api: Api) -> None:
    for path in ("/docs/", "/api/"):
        page = (await get(api, path)).body.decode()
        named = re.findall(r'(?:src|href)="([^"#]+)', page)
        assert named
        for name in set(named):
            target = path + name if not name.startswith("../") else name.removeprefix("..")
            assert (await get(api, target)).status == 200, name


@pytest.mark.parametrize(("path", "target"), [("/docs", "/docs/"), ("/api", "/api/")])
async def test_a_short_way_leads_to_the_page(api: Api, path: str, target: str) -> None:
    found = await get(api, path)
    assert (found.status, found.headers["Location"]) == (302, target)


@pytest.mark.parametrize(
    "path", ["/docs/README.md", "/docs/docs.html", "/docs/../files.py", "/docs/%2e%2e/files.py", "/docs/x", "/docs//"]
)
async def test_no_other_file_can_be_reached(api: Api, path: str) -> None:
    assert (await get(api, path)).status == 404


async def test_every_file_in_the_folder_is_served_or_known(api: Api) -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*MEDIA, "docs.html", "README.md"}


async def test_the_index_links_to_every_operation(api: Api) -> None:
    index = (await get(api, "/api/")).body.decode()
    for path, methods in build(ROUTES)["paths"].items():
        for operation in methods.values():
            assert f'href="../docs/#/{operation["tags"][0]}/{operation["operationId"]}"><code>{path}<' in index


async def test_the_served_document_is_the_one_that_is_built(api: Api) -> None:
    async with api.client.get("/openapi.json") as response:
        assert await response.json() == build(ROUTES)


@pytest.mark.parametrize("path", ["/api/", "/docs/", "/openapi.json"])
async def test_a_page_can_only_be_read(api: Api, path: str) -> None:
    async with api.client.head(path) as head:
        assert head.status == 200
    async with api.client.post(path) as refused:
        assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize("path", ["/api//", "/api/v1", "/api/v1/", "/api/index", "/api/v1/clients"])
async def test_all_else_under_api_still_wants_a_token(api: Api, path: str) -> None:
    assert (await get(api, path)).status == 401
