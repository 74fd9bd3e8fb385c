"""The console at /, in a browser with the real processes: everything an operator does, and what may go wrong."""

import itertools
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from shared.database import retry_on_deadlock
from tests.conftest import STACK
from tests.e2e.browser.console import REFUSED, UNREACHABLE, Console
from tests.integration.api.rows import Rows
from tests.support.browser import launch, page_of
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.ports import take_ports
from tests.support.services import databases
from tests.support.services.run import need
from tests.support.services.vhosts import Vhosts
from tests.support.stack import ADMIN_TOKEN, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Where the pictures go: HERALD_TEST_PICTURES=docs/images renews those of the project.
PICTURES = "HERALD_TEST_PICTURES"
PICTURED = {"overview", "mailing", "new"}
MARKUP = "<img src=x onerror=\"document.title='broken'\"> & <script>document.title='broken'</script>"
TAG = '<b onclick="x">&amp;'
RATE = 60
MANY = 600
EXHAUSTED = "79990000500"
REJECTED = "79990000400"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(run_prefix: str) -> AsyncIterator[str]:
    found = need("database")
    name = f"{run_prefix}_console"
    yield await databases.create_database(found["url"], name, found["template"])
    await databases.drop_database(found["url"], name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rows(database: str) -> AsyncIterator[Rows]:
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool:
        yield Rows(pool)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stack(database: str, vhosts: Vhosts, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One stack for all tests here: its sending is slow enough to watch, and one failure exhausts a message."""
    env = {
        "HERALD_PROVIDER_RATE": str(RATE),
        "HERALD_MAX_ATTEMPTS": "1",
        "HERALD_STOP_LIST_KEY": "a key of at least sixteen",
    }
    async with Stack(tmp_path_factory.mktemp("console"), database, vhosts.take(), env) as stack:
        await stack.start()
        operator = Operator(stack)
        await operator.import_csv(*(f"7916000{i:04},916,few,Europe/Moscow" for i in range(1000, 1020)))
        await operator.import_csv(*(f"7903000{i:04},903,many,Asia/Yekaterinburg" for i in range(1000, 1000 + MANY)))
        await operator.import_csv(f"{EXHAUSTED},999,lost,UTC", f"{REJECTED},999,wrong,UTC")
        yield stack


@pytest.fixture
def stack(shared_stack: Stack, request: pytest.FixtureRequest) -> Stack:
    request.node.stash[STACK] = shared_stack
    return shared_stack


@pytest.fixture
def operator(stack: Stack) -> Operator:
    return Operator(stack)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launch() as opened:
        yield opened


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get(PICTURES, tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest_asyncio.fixture(loop_scope="module")
async def console(stack: Stack, browser: Browser, pictures: Path) -> AsyncIterator[Console]:
    """Opens a page of the console. Every error that the browser logs fails the test."""
    async with page_of(browser, stack.api_url, timezone_id="UTC") as browsed:
        opened = Console(browsed, pictures)
        await opened.open()
        yield opened
        assert opened.wrong == []


@pytest_asyncio.fixture(loop_scope="module")
async def admin(console: Console) -> Console:
    await console.sign_in(ADMIN_TOKEN)
    await expect(console.heading("Overview")).to_be_visible()
    return console


async def test_a_mailing_is_made_and_watched_until_it_is_finished_and_its_text_stays_text(
    admin: Console, operator: Operator
) -> None:
    title = await admin.page.title()
    await operator.import_csv(f'79160002000,916,"{TAG.replace(chr(34), chr(34) * 2)}",UTC')
    await admin.write_mailing(MARKUP, tag=TAG)
    await expect(admin.figure("recipients")).to_have_text("1")
    await expect(admin.rows("Sample clients")).to_contain_text(TAG)
    mailing_id = await admin.create_mailing(1)
    await expect(admin.state).to_have_text("finished", timeout=15_000)
    await expect(admin.figure("sent")).to_have_text("1")
    await expect(admin.page.locator(".message-text")).to_have_text(MARKUP)
    await expect(admin.page.locator(".chip")).to_have_text(TAG)
    await expect(admin.region("Messages per minute").locator("canvas")).to_be_visible()
    await expect(admin.rows("Messages")).to_contain_text("sent")
    await expect(admin.rows("Events")).to_contain_text(["created", "started", "finished"])
    await admin.link("Mailings").click()
    await expect(admin.link(MARKUP)).to_be_visible()
    assert await admin.page.locator("main img, main script, main b").count() == 0
    assert title != "broken" != await admin.page.title()
    assert await operator.counts(mailing_id) == {"sent": 1}


async def test_a_user_without_a_mouse_signs_in_and_out(console: Console) -> None:
    page = console.page
    await expect(page.get_by_label("Token")).to_be_focused()
    await page.keyboard.type(ADMIN_TOKEN)
    await page.keyboard.press("Enter")
    await expect(console.heading("Overview")).to_be_focused()
    await expect(page.get_by_text("env:admin (admin)")).to_be_visible()
    await console.button("Sign out").focus()
    await page.keyboard.press("Enter")
    await expect(console.heading("Sign in")).to_be_visible()
    assert await page.evaluate("JSON.stringify([sessionStorage, localStorage, document.cookie])") == '[{},{},""]'


async def test_a_wrong_token_is_refused_and_a_right_one_outlives_a_reload_but_not_the_tab(
    console: Console, stack: Stack, browser: Browser, pictures: Path
) -> None:
    await console.sign_in("nobody's-token")
    await expect(console.page.get_by_role("alert")).to_have_text("The token is unknown, expired or revoked.")
    assert await console.page.evaluate("sessionStorage.length") == 0
    await console.sign_in(ADMIN_TOKEN)
    await expect(console.heading("Overview")).to_be_visible()
    assert ADMIN_TOKEN not in console.page.url
    await console.page.reload()
    await expect(console.heading("Overview")).to_be_visible()
    async with page_of(browser, stack.api_url) as another:
        await another.page.goto("/")
        await expect(Console(another, pictures).heading("Sign in")).to_be_visible()


async def test_an_api_that_is_away_while_the_page_opens_costs_no_sign_in(admin: Console) -> None:
    admin.allow(UNREACHABLE)
    await admin.page.route("**/api/v1/token", lambda route: route.abort(), times=1)
    await admin.page.reload()
    await expect(admin.page.locator("#banner")).to_contain_text("The API cannot be reached.")
    await expect(admin.heading("Overview")).to_be_visible()
    await expect(admin.page.locator("#banner")).to_be_hidden()


async def test_a_token_that_is_revoked_during_use_is_asked_for_again(admin: Console) -> None:
    async def refuse(route: Route) -> None:
        body = '{"title": "Unauthorized", "status": 401, "detail": "The token is unknown, expired or revoked."}'
        await route.fulfill(status=401, content_type="application/problem+json", body=body)

    await admin.page.route("**/api/v1/**", refuse)
    await expect(admin.heading("Sign in")).to_be_visible()
    await expect(admin.page.get_by_role("alert")).to_have_text("The token is unknown, expired or revoked.")
    await expect(admin.page.locator("#nav")).to_be_hidden()
    assert await admin.page.evaluate("sessionStorage.length") == 0


async def test_a_viewer_sees_everything_and_is_offered_nothing(
    console: Console, rows: Rows, operator: Operator
) -> None:
    mailing_id = await operator.create_mailing(starts_in=3600)
    await rows.token("watcher", "viewer")
    await console.sign_in("watcher")
    await expect(console.heading("Overview")).to_be_visible()
    await expect(console.link("Dead letters")).to_have_count(0)
    for path, text in (
        (f"/#/mailings/{mailing_id}", "Hello"),
        ("/#/mailings", "Hello"),
        ("/#/clients", "79160001000"),
        ("/#/clients/1", "Time zone"),
    ):
        await console.open(path)
        await expect(console.page.locator("main")).to_contain_text(text)
        offers = "New mailing|New client|Import|Edit|Delete|Pause|Resume|Cancel|Send|Duplicate|Actions"
        await expect(console.page.get_by_role("button", name=re.compile(offers))).to_have_count(0)
    await console.open("/#/mailings/new")
    await expect(console.page.get_by_text("This page needs a token with the role operator.")).to_be_visible()


async def test_a_mailing_is_paused_resumed_edited_and_cancelled(admin: Console, operator: Operator) -> None:
    await admin.write_mailing("Come and see", tag="many")
    mailing_id = await admin.create_mailing(MANY)
    await expect(admin.state).to_have_text("running", timeout=15_000)
    await admin.button("Pause").click()
    await expect(admin.state).to_have_text("paused")
    await expect(admin.button("Pause")).to_be_hidden()
    await admin.button("Resume").click()
    await expect(admin.state).to_have_text("running")
    await admin.button("Edit").click()
    await expect(admin.dialog.get_by_label("Tags")).to_have_count(0)
    await admin.dialog.get_by_label("Text", exact=True).fill("Come and hear")
    await admin.dialog.get_by_role("button", name="Save").click()
    await expect(admin.page.locator(".message-text")).to_have_text("Come and hear")
    await admin.button("Cancel").click()
    await admin.page.keyboard.press("Escape")
    await expect(admin.state).to_have_text("running")
    await admin.button("Cancel").click()
    await admin.button("Cancel mailing").click()
    await expect(admin.state).to_have_text("cancelled")
    await expect(admin.figure("pending")).to_have_text("0", timeout=15_000)
    kinds = ["created", "started", "paused", "resumed", "updated", "cancelled"]
    await expect(admin.rows("Events")).to_contain_text([*kinds, "closed"], timeout=15_000)
    counts = await operator.counts(mailing_id)
    assert counts["cancelled"] > 0
    await expect(admin.figure("cancelled")).to_have_text(f"{counts['cancelled']}")
    await admin.button("Delete").click()
    await admin.button("Delete mailing").click()
    await expect(admin.heading("Mailings")).to_be_visible()
    await admin.open(f"/#/mailings/{mailing_id}")
    admin.allow(REFUSED.format(404))
    await expect(admin.page.get_by_role("alert").first).to_have_text("There is no such mailing.")


async def test_what_is_typed_survives_leaving_the_page_until_it_is_created(admin: Console) -> None:
    await admin.open("/#/mailings/new")
    await admin.page.get_by_label("Text", exact=True).fill("Half written")
    await admin.page.get_by_label("Tags").fill("few")
    await admin.page.keyboard.press("Enter")
    await admin.link("Clients").click()
    await expect(admin.heading("Clients")).to_be_visible()
    await admin.open("/#/mailings/new")
    await admin.page.reload()
    await expect(admin.page.get_by_label("Text", exact=True)).to_have_value("Half written")
    await expect(admin.page.locator(".chips")).to_contain_text(["few"])
    await admin.button("Sign out").click()
    await expect(admin.heading("Sign in")).to_be_visible()
    assert await admin.page.evaluate("sessionStorage.length") == 0


async def test_a_page_and_a_filter_are_in_the_address(admin: Console, operator: Operator) -> None:
    mailing_id = await operator.create_mailing(filter={"tags": ["many"]})
    await operator.until_counts_begin(mailing_id)
    await operator.post(f"/mailings/{mailing_id}/cancel")
    await admin.open(f"/#/mailings/{mailing_id}")
    await admin.page.get_by_label("Status", exact=True).select_option("cancelled")
    await admin.region("Messages").get_by_role("button", name="Next").click()
    await expect(admin.region("Messages").get_by_text("Page 2")).to_be_visible()
    first = await admin.rows("Messages").first.text_content()
    await admin.page.reload()
    await expect(admin.rows("Messages").first).to_have_text(first or "")
    await expect(admin.page.get_by_label("Status", exact=True)).to_have_value("cancelled")
    await admin.rows("Messages").first.get_by_role("link").click()
    await expect(admin.heading(re.compile(r"Client \d+"))).to_be_visible()
    await admin.page.go_back()
    await expect(admin.region("Messages").get_by_text("Page 2")).to_be_visible()
    await admin.region("Messages").get_by_role("button", name="Previous").click()
    await expect(admin.region("Messages").get_by_text("Page 1")).to_be_visible()


def an_outcome(status: str, activity: str, sent: int = 0, rejected: int = 0) -> dict[str, Any]:
    counts = {"sent": sent, "rejected": rejected, "exhausted": 0, "expired": 0}
    return {"status": status, "total": 100, "by_status": counts, "activity": {"code": activity}}


OUTCOMES = [
    (an_outcome("finished", "finished", sent=100), "finished"),
    (an_outcome("finished", "finished", sent=95, rejected=5), "finished"),
    (an_outcome("finished", "finished", sent=94, rejected=6), "partly"),
    (an_outcome("finished", "finished"), "unsent"),
    (an_outcome("running", "sending"), "running"),
    (an_outcome("running", "provider_down"), "failing"),
    (an_outcome("paused", "paused"), "paused"),
]


async def test_a_state_says_what_has_come_of_it(console: Console) -> None:
    script = "async (mailing) => (await import('/console/shared/vocabulary.js')).outcomeOf(mailing)"
    for mailing, outcome in OUTCOMES:
        assert await console.page.evaluate(script, mailing) == outcome


async def test_a_large_number_is_not_broken_on_a_telephone(admin: Console) -> None:
    await admin.page.set_viewport_size({"width": 360, "height": 800})
    script = """() => {
        const figure = document.querySelector('.figures dd');
        const before = figure.getBoundingClientRect().height;
        figure.textContent = '123,456,789';
        return figure.getBoundingClientRect().height === before && figure.scrollWidth <= figure.clientWidth;
    }"""
    await expect(admin.page.locator(".figures dd").first).to_be_visible()
    assert await admin.page.evaluate(script)


async def test_landmarks_have_names_of_their_own_and_columns_have_heads(admin: Console, operator: Operator) -> None:
    mailing_id = await operator.create_mailing(filter={"tags": ["few"]})
    script = """() => {
        const all = [...document.querySelectorAll('[role=region], nav, section[aria-labelledby]')]
            .filter((one) => one.checkVisibility()).map((one) => one.ariaLabel);
        const heads = [...document.querySelectorAll('th')].filter((one) => !one.textContent.trim());
        return [all.length - new Set(all).size, heads.length];
    }"""
    for path in (f"/#/mailings/{mailing_id}", "/#/clients", "/#/dead-letters"):
        await admin.open(path)
        await expect(admin.page.locator("main .list").first).to_be_visible()
        assert await admin.page.evaluate(script) == [0, 0], path


async def test_a_wrong_value_is_explained_at_its_field(admin: Console) -> None:
    admin.allow(REFUSED.format(422))
    await admin.write_mailing("Too late", tag="few", lasts=-3600)
    end = admin.page.get_by_label("End", exact=True)
    await expect(end).to_be_focused()
    await expect(end).to_have_attribute("aria-invalid", "true")
    await expect(end).to_have_accessible_description(re.compile("must be in the future"))
    await admin.page.get_by_label("Operator codes").fill("12")
    await admin.button("Preview").click()
    codes = admin.page.get_by_label("Operator codes")
    await expect(codes).to_have_accessible_description(re.compile("three digits"))
    await admin.open("/#/clients?tag=" + "x" * 101)
    await expect(admin.page.get_by_label("Tag", exact=True)).to_have_accessible_description(re.compile("at most"))


async def test_local_times_are_read_in_their_zone_also_when_clocks_change(console: Console) -> None:
    script = (
        "async ([local, zone]) => (await import('/console/shared/forms/time_zones.js')).toMoment(local, zone).moment"
    )
    for local, zone, moment in (
        ("2035-01-31T18:00", "Europe/Moscow", "2035-01-31T18:00:00+03:00"),
        ("2026-07-01T00:00", "America/St_Johns", "2026-07-01T00:00:00-02:30"),
        ("2026-07-01T00:00", "UTC", "2026-07-01T00:00:00+00:00"),
        # The clocks skip it.
        ("2026-03-29T02:30", "Europe/Berlin", None),
        ("2026-03-29T03:00", "Europe/Berlin", "2026-03-29T03:00:00+02:00"),
        # It occurs twice: the first one is taken.
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T03:00", "Europe/Berlin", "2026-10-25T03:00:00+01:00"),
    ):
        assert await console.page.evaluate(script, [local, zone]) == moment, (local, zone)


@pytest.mark.parametrize(("minutes", "span"), [([1200], [1200, 1800]), ([1200, 1260, 2400], [1200, 2460])])
async def test_a_chart_shows_ten_minutes_or_more(console: Console, minutes: list[int], span: list[int]) -> None:
    script = """async (times) => (await import('/console/mailing/chart_options.js'))
        .chartOptions(() => {}, 60).scales.x.range({data: [times]})"""
    assert await console.page.evaluate(script, minutes) == span


async def test_two_clicks_and_a_lost_answer_make_one_mailing(admin: Console, operator: Operator) -> None:
    before = (await operator.get("/statistics"))["mailings"]["total"]
    lost = 0

    async def lose_the_first(route: Route) -> None:
        nonlocal lost
        if route.request.method == "POST" and not lost:
            lost += 1
            await route.fetch()
            await route.abort()
        else:
            await route.fallback()

    await admin.page.route("**/api/v1/mailings", lose_the_first)
    admin.allow(UNREACHABLE)
    await admin.write_mailing("Only once", tag="few")
    create = admin.button("Create mailing for 20 clients")
    await create.dblclick()
    await expect(admin.page.get_by_role("alert").last).to_have_text("The API cannot be reached.")
    await create.dblclick()
    await expect(admin.heading(re.compile(r"Mailing \d+"))).to_be_visible()
    assert lost == 1
    assert (await operator.get("/statistics"))["mailings"]["total"] == before + 1


async def test_a_lost_connection_is_shown_and_comes_back_by_itself(admin: Console, stack: Stack) -> None:
    # A process that has just started answers 503 until it has reached the database.
    admin.allow(UNREACHABLE, REFUSED.format(503))
    banner = admin.page.locator("#banner")
    await stack.process("api").stop()
    await expect(banner).to_contain_text(re.compile(r"cannot be reached.* as of \d\d:\d\d:\d\d"))
    await expect(admin.page.locator("main.stale")).to_be_visible()
    await stack.process("api").start()
    await expect(banner).to_be_hidden(timeout=15_000)
    await expect(admin.page.locator("main.stale")).to_have_count(0)
    await expect(admin.page.locator("#notice")).to_have_text("The connection is back.")


async def test_figures_are_marked_as_old_while_the_api_hangs(admin: Console, stack: Stack) -> None:
    stack.process("api").kill(signal.SIGSTOP)
    try:
        await expect(admin.page.locator("#banner")).to_contain_text("The API has not answered", timeout=15_000)
    finally:
        stack.process("api").kill(signal.SIGCONT)
    await expect(admin.page.locator("#banner")).to_be_hidden()


async def test_a_stream_that_is_cut_is_opened_again(admin: Console, stack: Stack, operator: Operator) -> None:
    # A process that has just started answers 503 until it has reached the database.
    admin.allow(UNREACHABLE, REFUSED.format(503))
    mailing_id = await operator.create_mailing(starts_in=3600)
    await admin.open(f"/#/mailings/{mailing_id}")
    await expect(admin.figure("total")).to_have_text("0")
    await stack.process("api").restart()
    await expect(admin.page.locator("#banner")).to_be_hidden(timeout=15_000)
    await operator.patch(f"/mailings/{mailing_id}", {"filter": {"tags": ["few"]}, "start_at": "2020-01-01T00:00:00Z"})
    await expect(admin.figure("sent")).to_have_text("20", timeout=15_000)


async def test_clients_are_added_found_changed_and_deleted(admin: Console) -> None:
    admin.allow(REFUSED.format(409))
    await admin.link("Clients").click()
    await admin.button("New client").click()
    await admin.dialog.get_by_label("Phone").fill("79160001000")
    await admin.dialog.get_by_role("button", name="Save").click()
    await expect(admin.dialog.get_by_role("alert")).to_have_text("Another client has this phone.")
    await admin.dialog.get_by_label("Phone").fill("79991112233")
    await admin.dialog.get_by_label("Tags").fill(MARKUP[:60])
    await admin.dialog.get_by_label("External id").fill("K-4711")
    await admin.button("Add an attribute").click()
    await admin.dialog.get_by_label("Name of the attribute").fill("city")
    await admin.dialog.get_by_label("Value", exact=True).first.fill("Tver")
    await admin.dialog.get_by_role("button", name="Save").click()
    await expect(admin.heading(re.compile(r"Client \d+"))).to_be_visible()
    await admin.link("Clients").click()
    await admin.page.get_by_label("Phone or a part of it").fill("8 (999) 111-22")
    await admin.page.keyboard.press("Enter")
    await expect(admin.rows("Clients")).to_have_count(1)
    await expect(admin.rows("Clients")).to_contain_text(MARKUP[:60])
    await expect(admin.rows("Clients")).to_contain_text("K-4711city: Tver")
    await admin.page.get_by_label("Select all on this page").check()
    await admin.button("Add a tag").click()
    await admin.dialog.get_by_label("Tag").fill("second")
    await admin.button("Tag 1 client").click()
    await expect(admin.rows("Clients")).to_contain_text("second")
    await admin.rows("Clients").get_by_role("button", name="Edit").click()
    await admin.dialog.get_by_label("Time zone").fill("Asia/Vladivostok")
    await admin.dialog.get_by_role("button", name="Save").click()
    await expect(admin.rows("Clients")).to_contain_text("Asia/Vladivostok")
    await admin.rows("Clients").get_by_role("button", name="Delete").click()
    await admin.button("Delete client").click()
    await expect(admin.page.get_by_text("No clients found.")).to_be_visible()


async def test_a_file_is_imported_and_the_directory_exported(admin: Console, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("phone,operator_code,tag,timezone\n79170000001,,fresh,UTC\n123,,fresh,UTC\n")
    await admin.open("/#/clients?tag=fresh")
    await admin.button("Import").click()
    await admin.page.get_by_label("File of clients").set_input_files(file)
    await expect(admin.rows("Columns")).to_have_count(4)
    await admin.button("Import 2 rows").click()
    await expect(admin.rows("Rejected lines")).to_contain_text("phone: must be 7 and ten more digits")
    await expect(admin.figure("created")).to_have_text("1")
    async with admin.page.expect_download() as refused:
        await admin.button("Download the refused lines").click()
    assert "123,,fresh,UTC" in (await (await refused.value).path()).read_text("utf-8-sig")
    await admin.open("/#/clients?tag=fresh")
    await expect(admin.rows("Clients")).to_contain_text("79170000001")
    # A test cannot choose a place on the disk: without the picker, the browser downloads.
    await admin.page.evaluate("delete window.showSaveFilePicker")
    async with admin.page.expect_download() as saving:
        await admin.button("Export").click()
    saved = await (await saving.value).path()
    assert saved.read_text().splitlines() == [
        "phone,operator_code,tag,timezone,tags,external_id,attributes",
        "79170000001,917,fresh,UTC,fresh,,",
    ]


async def test_a_segment_is_greeted_by_name_and_who_opted_out_or_has_no_name_gets_nothing(
    admin: Console, operator: Operator
) -> None:
    admin.allow(REFUSED.format(409), REFUSED.format(422))
    page = admin.page
    for phone, attributes in (("79160003001", {"name": "Anna"}), ("79160003002", {}), ("79160003003", {"name": "Eve"})):
        await operator.post("/clients", {"phone": phone, "tag": "greeted", "attributes": attributes}, status=201)
    await admin.open("/#/stop-list")
    await admin.button("Add a phone").click()
    await admin.dialog.get_by_label("Phone").fill("8 (916) 000-30-03")
    await admin.dialog.get_by_label("Reason").fill("asked by phone")
    await admin.dialog.get_by_role("button", name="Put on the stop list").click()
    await expect(admin.rows("Stop list")).to_contain_text(["79160003003asked by phoneconsole"])
    await admin.button("Add a file").click()
    content = "\r\n".join(("ФИО;Телефон;Reason", "Ольга;8 916 000 30 04;письмо", "")).encode("cp1251")
    await admin.drop_file(admin.dialog.locator(".drop"), "letters.csv", content)
    await expect(admin.dialog.get_by_label("Repair phones")).to_be_checked()
    await admin.dialog.get_by_role("button", name="Put these on the stop list").click()
    await expect(admin.figure("added")).to_have_text("1")
    await page.keyboard.press("Escape")
    await expect(admin.rows("Stop list").last).to_contain_text(re.compile("письмо.*file"))
    await admin.open("/#/segments/new")
    await page.get_by_label("Name", exact=True).fill("To greet")
    await page.get_by_label("Condition on").select_option("Tag")
    await page.get_by_label("Value", exact=True).fill("greeted")
    await expect(page.locator(".count")).to_have_text("Clients who match now: 2 and 1 on the stop list")
    await admin.button("Save").click()
    await admin.button("Count the clients of To greet").click()
    await admin.open("/#/mailings/new")
    await page.get_by_label("Text", exact=True).fill("Hello, {{name}}!")
    await page.get_by_label("Further conditions").select_option("segment To greet")
    await admin.button("Preview").click()
    await expect(admin.rows("Placeholders")).to_contain_text("name1no message79160003002")
    await expect(page.get_by_text("1 more client matches and is on the stop list")).to_be_visible()
    await admin.button("Create mailing for 2 clients").click()
    await expect(page.get_by_role("alert").last).to_contain_text("1 client lacks the value name, such as 79160003002")
    await page.get_by_label("If clients lack a value").select_option("leave those clients out")
    await admin.button("Preview").click()
    mailing_id = await admin.create_mailing(2)
    await expect(admin.figure("sent")).to_have_text("1", timeout=15_000)
    for reason in ("no value: name", "opted out"):
        await expect(admin.rows("Reasons").filter(has_text=reason)).to_have_count(1)
    assert await operator.until_status(mailing_id, "finished") == {"sent": 1, "rejected": 1, "cancelled": 1}
    assert await texts_of(operator, mailing_id) == {"79160003001": "Hello, Anna!"}


async def test_a_mailing_is_made_from_a_file_that_is_dropped_mapped_looked_at_and_sent(
    admin: Console, operator: Operator
) -> None:
    page = admin.page
    await operator.post("/suppressions", {"phone": "79160003013"}, status=201)
    await admin.open("/#/mailings/new")
    await page.get_by_label("Text", exact=True).fill("Dear {{name|friend}}, {{sum}} due")
    await admin.button("Save as a draft").click()
    await expect(admin.state).to_have_text("draft")
    mailing_id = int(page.url.rpartition("/")[2])
    rows = ["8 (916) 000-30-11;Анна;12,50;x", "+7 916 000 30 12;;7;y", "79160003013;Ева;1;", "79160003014;Олег;;z"]
    content = "\r\n".join(["Телефон;Имя;Итого;Прочее", *rows]).encode("cp1251")
    await admin.drop_file(page.locator(".drop"), "люди.csv", content)
    await expect(admin.rows("Columns")).to_have_count(4)
    for heading, name in (("Имя", "name"), ("Итого", "sum")):
        column = page.get_by_role("row", name=heading)
        await column.get_by_role("combobox").select_option("an attribute: text or date")
        await column.get_by_role("textbox").fill(name)
    await page.get_by_label("What the column Прочее holds").select_option("nothing")
    await page.get_by_label("Repair phones").check()
    await admin.button("Take these recipients").click()
    await expect(page.get_by_text("Recipients: 4. Refused lines: 0.")).to_be_visible()
    texts = admin.rows("The first texts")
    await expect(texts).to_have_text(
        [
            "79160003011Dear Анна, 12,50 due",
            "79160003012Dear friend, 7 due",
            "79160003014Nothing would be sent: no value: sum",
        ]
    )
    await admin.button("Edit").click()
    await admin.dialog.get_by_label("If clients lack a value").select_option("leave those clients out")
    await admin.dialog.get_by_role("button", name="Save").click()
    await expect(admin.dialog).to_have_count(0)
    await admin.button("Start").click()
    await admin.dialog.get_by_role("button", name="Start").click()
    await expect(admin.figure("sent")).to_have_text("2", timeout=15_000)
    assert await operator.until_status(mailing_id, "finished") == {"sent": 2, "rejected": 1, "cancelled": 1}
    sent = {"79160003011": "Dear Анна, 12,50 due", "79160003012": "Dear friend, 7 due"}
    assert await texts_of(operator, mailing_id) == sent


async def texts_of(operator: Operator, mailing_id: int) -> dict[str, str]:
    """The texts that the provider got, by phone."""
    sent = [one for one in await operator.messages(mailing_id) if one["status"] == "sent"]
    return {one["phone"]: (await operator.ledger(one["id"]))[0]["text"] for one in sent}


async def test_failed_messages_are_looked_into_and_sent_again_and_dead_letters_replayed_and_dropped(
    admin: Console, operator: Operator
) -> None:
    mailing_id = await operator.create_mailing(filter={"tags": ["lost"]})
    await admin.open(f"/#/mailings/{mailing_id}")
    await expect(admin.state).to_have_text("finished: nothing was sent", timeout=15_000)
    await expect(admin.rows("Reasons")).to_contain_text("exhausted")
    await admin.page.get_by_role("button", name="1 attempt of message").click()
    await expect(admin.dialog.locator("tbody tr")).to_contain_text("500")
    await admin.page.keyboard.press("Escape")
    await admin.button("Send to those who did not get it").click()
    await expect(admin.dialog.get_by_label("exhausted (1)")).to_be_checked()
    await admin.dialog.get_by_role("button", name="Send again").click()
    await expect(admin.rows("Events")).to_contain_text(["resent"])
    await admin.link("Dead letters").click()
    letters = admin.rows("Dead letters")

    async def both_are_there() -> bool:
        await admin.button("Refresh").click()
        return await letters.count() >= 2

    await until(both_are_there, 20)
    await expect(letters.first).to_contain_text("exhausted")
    before = await letters.count()
    await letters.first.get_by_role("checkbox").check()
    await admin.button("Drop selected").click()
    await admin.dialog.get_by_role("button", name="Drop").click()
    await expect(letters).to_have_count(before - 1)
    await admin.button("Replay all").click()
    await admin.dialog.get_by_role("button", name="Replay").click()
    await expect(admin.page.get_by_text(re.compile(r"\d+ dead letters? replayed, \d+ refused"))).to_be_visible()


LATIN = re.compile(r"[A-Za-z]{2,}")
# Names and data: of programs, formats, queues, fields and zones, and what this test made.
NAMES = {
    "API",
    "Herald",
    "HTTP",
    "SMS",
    "RabbitMQ",
    "UTC",
    "CSV",
    "NDJSON",
    "Excel",
    "English",
    "Enter",
    "env",
    "admin",
    "herald",
    "dispatcher",
    "dead",
    "Hello",
    "Europe",
    "Moscow",
    "few",
    "many",
    "lost",
    "wrong",
    "planner",
    "reporter",
}


async def test_a_russian_browser_reads_russian_until_another_language_is_chosen(
    stack: Stack, browser: Browser, pictures: Path, operator: Operator
) -> None:
    mailing_id = await operator.create_mailing(filter={"tags": ["few"]})
    await operator.until_counts_begin(mailing_id)
    # Tests before this one gave names, too.
    lists = [(await operator.get(f"/{kind}"))["items"] for kind in ("mailings", "segments", "tokens")]
    given = NAMES | set(LATIN.findall(" ".join(one["name"] or "" for one in itertools.chain(*lists))))
    async with page_of(browser, stack.api_url, locale="ru-RU", timezone_id="Europe/Moscow") as browsed:
        opened = Console(browsed, pictures)
        await opened.open()
        await expect(opened.heading("Вход")).to_be_visible()
        await browsed.page.get_by_label("Токен").fill("nobody's-token")
        await opened.button("Войти").click()
        await expect(browsed.page.get_by_role("alert")).to_contain_text("Токен неизвестен, истёк или отозван.")
        await browsed.page.get_by_label("Токен").fill(ADMIN_TOKEN)
        await opened.button("Войти").click()
        for path, ready in (
            ("/#/", ".figures dd"),
            ("/#/mailings", "tbody tr"),
            (f"/#/mailings/{mailing_id}", "tbody tr"),
            ("/#/clients?tag=few", "tbody tr"),
            ("/#/clients/1", "tbody tr"),
            ("/#/dead-letters", ".list"),
            ("/#/settings", ".list"),
            ("/#/events", "tbody tr"),
            ("/#/segments/new", ".condition"),
            ("/#/stop-list", ".list"),
            ("/#/clients/import", ".drop"),
            ("/#/mailings/new", "textarea"),
        ):
            await opened.open(path)
            await expect(browsed.page.locator(f"main {ready} >> visible=true").first).to_be_visible()
            await opened.picture(f"ru-{path.strip('/#?').replace('/', '-').partition('?')[0]}")
            assert set(LATIN.findall(await shown_text(browsed.page))) - given == set(), path
        await opened.open("/#/settings")
        await opened.button("Новый токен").click()
        await opened.dialog.get_by_label("Название").fill("два слова")
        await opened.button("Создать токен").click()
        opened.allow(REFUSED.format(422))
        await expect(opened.dialog.locator(".wrong").first).to_contain_text("от 1 до 64 знаков: латинские буквы")
        await browsed.page.keyboard.press("Escape")
        await opened.open("/#/mailings/new")
        assert await browsed.page.locator("html").get_attribute("lang") == "ru"
        await browsed.page.get_by_label("Язык").select_option("en")
        await expect(opened.heading("New mailing")).to_be_visible()
        await browsed.page.reload()
        await expect(opened.heading("New mailing")).to_be_visible()
        assert await browsed.page.locator("html").get_attribute("lang") == "en"
        assert opened.wrong == []


async def shown_text(page: Page) -> str:
    """Returns what can be read on the page, but for the API's own sentences, names, and what operators wrote."""
    script = """() => {
        const page = document.body.cloneNode(true);
        const own = '[lang=en], noscript, select, code, td.title, td.tag, td.process, .attention a, .upcoming a';
        page.querySelectorAll(own).forEach((one) => one.remove());
        const texts = [...page.querySelectorAll('*')].flatMap((one) => [...one.childNodes])
            .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data);
        return texts.join(' ') + [...document.querySelectorAll('[aria-label]')].map((one) => one.ariaLabel).join(' ');
    }"""
    found: str = await page.evaluate(script)
    # A placeholder is written so in every language.
    return re.sub(r"\{\{.*?\}\}", "", found)


async def test_without_authentication_no_token_is_asked_for(stack: Stack, browser: Browser, pictures: Path) -> None:
    port = take_ports(1)
    await stack.start("api-open", env={"HERALD_AUTH": "off", "HERALD_API_PORT": str(port)})
    async with page_of(browser, f"http://127.0.0.1:{port}") as browsed:
        opened = Console(browsed, pictures)
        await opened.open()
        await expect(opened.heading("Overview")).to_be_visible()
        await expect(opened.button("Sign out")).to_have_count(0)
        assert browsed.wrong == []
    await stack.process("api-open").end()


@pytest.mark.parametrize("width", [360, 1100])
async def test_every_page_fits_a_telephone_and_a_screen(
    admin: Console, operator: Operator, rows: Rows, width: int
) -> None:
    mailing_id = await operator.create_mailing(
        text="The sale begins today. Come and see: everything for the garden at half its price.",
        filter={"tags": ["many", "lost", "wrong"], "operator_codes": ["903", "999"]},
    )
    draft = await operator.create_mailing(text="Hello, {{name|friend}}", draft=True)
    await operator.until_counts_begin(mailing_id)
    # The reporter writes the same rows meanwhile, in another order.
    await retry_on_deadlock(lambda: spread(rows, mailing_id))
    await admin.page.set_viewport_size({"width": width, "height": 900})
    for name, path, ready in (
        ("overview", "/#/", ".figures dd"),
        ("mailings", "/#/mailings", "tbody tr"),
        ("mailing", f"/#/mailings/{mailing_id}", "tbody tr"),
        ("clients", "/#/clients", "tbody tr"),
        ("client", "/#/clients/1", "tbody tr"),
        ("letters", "/#/dead-letters", ".list"),
        ("settings", "/#/settings", ".list"),
        ("events", "/#/events", "tbody tr"),
        ("segment", "/#/segments/new", ".condition"),
        ("stop-list", "/#/stop-list", ".list"),
        ("import", "/#/clients/import", ".drop"),
        ("new", "/#/mailings/new", "textarea"),
    ):
        await admin.open(path)
        await expect(admin.page.locator(ready).first).to_be_visible()
        if name == "new":
            await admin.write_mailing("Your order is ready. Thank you!", tag="few")
            await expect(admin.figure("recipients")).to_have_text("20")
        if name == "overview":
            await expect(admin.rows("Running mailings")).to_contain_text("/s")
        assert await overflow(admin.page) <= 0, path
        if name in PICTURED and width > 360:
            await admin.page.evaluate("scrollTo(0, 0)")
            await admin.picture(f"console-{name}")
    await admin.page.emulate_media(color_scheme="dark")
    await admin.open(f"/#/mailings/{mailing_id}")
    await expect(admin.rows("Messages").first).to_be_visible()
    await admin.picture("console-dark" if width > 360 else "console-narrow")
    await admin.open(f"/#/mailings/{draft}")
    await expect(admin.rows("The first texts").first).to_be_visible()
    await admin.button("Edit").click()
    await expect(admin.dialog.get_by_label("Further conditions")).to_be_visible()
    assert await overflow(admin.page) <= 0
    await operator.post(f"/mailings/{mailing_id}/cancel")


async def spread(rows: Rows, mailing_id: int) -> None:
    """Gives the mailing a past of a quarter of an hour, which a test cannot wait for."""
    await rows.pool.execute(
        """
        WITH past AS (
            INSERT INTO minutes (mailing_id, at, sent, failed)
            SELECT $1, date_trunc('minute', now()) - i * interval '1 min', 400 + (i * 7919) % 170, (i * 31) % 23
            FROM generate_series(1, 14) AS i ON CONFLICT DO NOTHING RETURNING sent, failed
        ), sum AS (SELECT sum(sent) AS sent, sum(failed) AS failed FROM past
        ), counted AS (
            UPDATE mailing_counts m SET total = m.total + sum.sent + sum.failed, sent = m.sent + sum.sent,
                rejected = m.rejected + sum.failed
            FROM sum WHERE m.mailing_id = $1
        ), explained AS (
            INSERT INTO reasons (mailing_id, status, reason, count) SELECT $1, 'rejected', 'HTTP 400', failed FROM sum
            ON CONFLICT (mailing_id, status, reason) DO UPDATE SET count = reasons.count + excluded.count
        ), tried AS (
            INSERT INTO outcomes (mailing_id, outcome, count)
            SELECT $1, outcome, count FROM sum, unnest(ARRAY['accepted', 'refused'], ARRAY[sent, failed])
                AS done (outcome, count)
            ON CONFLICT (mailing_id, outcome) DO UPDATE SET count = outcomes.count + excluded.count
        )
        UPDATE mailings SET start_at = now() - interval '14 min', started_at = now() - interval '14 min' WHERE id = $1
        """,
        mailing_id,
    )


async def overflow(page: Page) -> int:
    """Returns by how many pixels the page is wider than the window."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    found: int = await page.evaluate(script)
    return found
