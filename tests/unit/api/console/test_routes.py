"""The console as it is served: to everybody, one file a route, and with a policy that lets nothing else in."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.console.files import FOLDER, MEDIA
from services.api.dead_letters.schemas import DeadQueue
from services.api.mailings import rules
from services.api.mailings.responses import ByStatus
from shared.statuses import MAILING_STATUSES, ROLES, UNSENT_STATUSES
from tests.integration.api.fakes import an_app

FILES = {f"/console/{name}": media for name, media in MEDIA.items()}
EVERYTHING = {"/": "text/html; charset=utf-8", **FILES}
OURS = [path for path in FOLDER.glob("*.js") if path.name != "uPlot.esm.js"]

Client = TestClient[Any, Any]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(an_app())) as opened:
        yield opened


async def test_everything_is_for_everybody_and_asked_for_again_each_time(client: Client) -> None:
    for path, media in EVERYTHING.items():
        async with client.get(path) as page:
            assert page.status == 200, path
            assert page.headers["Content-Type"] == media, path
            assert page.headers["Cache-Control"] == "no-cache", path
            assert page.headers["X-Content-Type-Options"] == "nosniff", path
            tag = page.headers["Etag"]
        async with client.get(path, headers={"If-None-Match": tag}) as again:
            assert (again.status, await again.read()) == (304, b""), path


async def test_everything_answers_head_and_no_method_that_writes(client: Client) -> None:
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


def test_every_file_in_the_folder_is_served_or_known() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*MEDIA, "index.html", "README.md"}


def test_everything_that_the_page_and_its_modules_name_is_served() -> None:
    assert set(re.findall(r'(?:src|href)="console/([^"]+)"', (FOLDER / "index.html").read_text())) <= set(MEDIA)
    for path in OURS:
        imported = re.findall(r'from "\./([^"]+)"', path.read_text())
        assert set(imported) <= set(MEDIA), path


def test_every_module_of_ours_is_reached_from_the_page() -> None:
    reached, to_read = set[str](), ["main.js"]
    while to_read:
        name = to_read.pop()
        if name not in reached:
            reached.add(name)
            to_read += re.findall(r'from "\./([^"]+)"', (FOLDER / name).read_text())
    assert reached == {path.name for path in OURS} | {"uPlot.esm.js"}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_no_module_of_ours_can_read_text_as_html_or_code(path: Any) -> None:
    source = path.read_text()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "localStorage",
    ):
        assert word not in source


def test_the_page_has_nothing_inline() -> None:
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]* src=)", page)


def words(name: str) -> Any:
    """Reads a list of quoted words out of words.js."""
    found = re.search(rf"export const {name} = \[(.*?)\];", (FOLDER / "words.js").read_text())
    assert found is not None
    return re.findall(r'"([^"]+)"', found[1])


def table(name: str) -> dict[str, set[str]]:
    """Reads an object of lists of quoted words out of words.js."""
    found = re.search(rf"export const {name} = {{(.*?)}};", (FOLDER / "words.js").read_text(), re.DOTALL)
    assert found is not None
    return {key: set(re.findall(r'"([^"]+)"', listed)) for key, listed in re.findall(r"(\w+): \[(.*?)\]", found[1])}


def test_the_words_of_the_console_are_those_of_the_api() -> None:
    assert words("STATUSES") == list(ByStatus.model_fields)
    assert words("STATES") == list(MAILING_STATUSES)
    assert words("UNSENT") == list(UNSENT_STATUSES)
    assert words("QUEUES") == list(DeadQueue.__args__)  # type: ignore[attr-defined]
    assert words("ROLES") == list(ROLES)


def test_the_console_offers_what_the_rules_of_the_api_allow() -> None:
    editable = {state: fields for state, fields in table("EDITABLE").items() if fields}
    assert editable == {state: set(fields) for state, fields in rules.EDITABLE.items()}
    moving = {
        action: {state for state, target in moves.items() if state != target} for action, moves in rules.MOVES.items()
    }
    assert table("ACTIONS") == moving
