"""The console's sign-in in a browser: by a real OpenID provider, by tokens, and out again."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser.console import Console
from tests.support.browser import launch, page_of
from tests.support.oidc import provider
from tests.support.ports import take_ports
from tests.support.services import databases
from tests.support.services.run import need
from tests.support.services.vhosts import Vhosts
from tests.support.stack import ADMIN_TOKEN, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPANY = "Sign in with your company's account"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(run_prefix: str, vhosts: Vhosts, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """An API and its OpenID provider. Nothing is sent here."""
    found, name = need("database"), f"{run_prefix}_signin"
    url = await databases.create_database(found["url"], name, found["template"])
    port = take_ports(1)
    async with (
        Stack(tmp_path_factory.mktemp("signin"), url, vhosts.take(), {}) as started,
        provider.run(started.api_url, port) as issuer,
    ):
        await started.start("api", env=settings(issuer, started.api_url))
        yield started
    await databases.drop_database(found["url"], name)


def settings(issuer: str, api_url: str) -> dict[str, str]:
    return {
        "HERALD_PUBLIC_URL": api_url,
        "HERALD_OIDC_ISSUER": issuer,
        "HERALD_OIDC_CLIENT_ID": provider.CLIENT,
        "HERALD_OIDC_CLIENT_SECRET": provider.SECRET,
        "HERALD_OIDC_ROLE_MAP": "ops=admin,marketing=operator,readers=viewer",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launch() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def console(stack: Stack, browser: Browser, tmp_path: Path) -> AsyncIterator[Console]:
    async with page_of(browser, stack.api_url) as browsed:
        # The provider's own pages want a font from elsewhere.
        await browsed.page.route(re.compile("fonts.googleapis"), lambda route: route.abort())
        opened = Console(browsed, tmp_path)
        await opened.open()
        yield opened


async def pass_provider(page: Page, login: str) -> None:
    """Does what a person does on the provider's pages: signs in, and agrees."""
    await page.get_by_placeholder("Enter any login").fill(login)
    await page.get_by_placeholder("and password").fill("anything")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(
    ("login", "role", "offered"), [("anna", "admin", True), ("boris", "operator", True), ("vera", "viewer", False)]
)
async def test_a_person_signs_in_with_the_role_of_their_group_and_out_again(
    console: Console, login: str, role: str, offered: bool
) -> None:
    await console.open("/#/mailings")
    await console.button(COMPANY).click()
    await pass_provider(console.page, login)
    await expect(console.heading("Mailings")).to_be_visible()
    await expect(console.page.get_by_text(f"oidc:{login}@example.org ({role})")).to_be_visible()
    await expect(console.button("New mailing")).to_have_count(1 if offered else 0)
    await expect(console.link("Dead letters")).to_have_count(1 if role == "admin" else 0)
    assert await console.page.evaluate("JSON.stringify([{...sessionStorage}, document.cookie])") == '[{},""]'
    await console.page.reload()
    await expect(console.heading("Mailings")).to_be_visible()
    await console.button("Sign out").click()
    await console.page.get_by_role("button", name="Yes, sign me out").click()
    await expect(console.heading("Sign in")).to_be_visible()
    await console.page.reload()
    await expect(console.heading("Sign in")).to_be_visible()
    await console.button(COMPANY).click()
    await expect(console.page.get_by_placeholder("Enter any login")).to_be_visible()


@pytest.mark.parametrize(("login", "told"), [("guest", "claim groups has: visitors"), ("nobody", "groups is missing")])
async def test_somebody_without_a_role_is_told_which_claim_was_seen(console: Console, login: str, told: str) -> None:
    await console.button(COMPANY).click()
    await pass_provider(console.page, login)
    await expect(console.heading("Sign in")).to_be_visible()
    await expect(console.page.get_by_role("alert")).to_contain_text("no role in Herald")
    await expect(console.page.get_by_role("alert")).to_contain_text(told)
    await console.sign_in(ADMIN_TOKEN)
    await expect(console.heading("Overview")).to_be_visible()


async def test_who_refuses_at_the_provider_is_asked_again(console: Console) -> None:
    await console.button(COMPANY).click()
    await console.page.get_by_role("link", name=re.compile("Cancel")).click()
    await expect(console.page.get_by_role("alert")).to_have_text("The company's sign-in refused.")


@pytest.mark.parametrize(
    ("reason", "text"),
    [("issuer-away", "does not answer now"), ("stale", "took too long"), ("token", "cannot be trusted")],
)
async def test_every_failure_is_said_and_a_token_still_works(console: Console, reason: str, text: str) -> None:
    await console.open(f"/#/sign-in?reason={reason}")
    await console.page.reload()
    await expect(console.page.get_by_role("alert")).to_contain_text(text)
    await console.sign_in(ADMIN_TOKEN)
    await expect(console.heading("Overview")).to_be_visible()
    assert console.page.url.endswith("/#/")


async def test_a_new_tab_has_the_token_of_the_open_ones_and_a_sign_out_ends_all(stack: Stack, browser: Browser) -> None:
    context = await browser.new_context(base_url=stack.api_url)
    first, another = await context.new_page(), await context.new_page()
    await first.goto("/")
    await first.get_by_label("Token").fill(ADMIN_TOKEN)
    await first.get_by_role("button", name="Sign in", exact=True).click()
    await expect(first.get_by_role("heading", level=1, name="Overview")).to_be_visible()
    await another.goto("/#/clients")
    await expect(another.get_by_role("heading", level=1, name="Clients")).to_be_visible()
    await first.get_by_role("button", name="Sign out").click()
    await expect(another.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    await another.reload()
    await expect(another.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    assert await another.evaluate("localStorage.length") == 0
    await context.close()


async def test_an_admin_sees_who_is_signed_in_ends_a_session_and_finds_both_among_the_events(
    console: Console, stack: Stack, browser: Browser, tmp_path: Path
) -> None:
    async with page_of(browser, stack.api_url) as browsed:
        person = Console(browsed, tmp_path)
        await browsed.page.route(re.compile("fonts.googleapis"), lambda route: route.abort())
        await person.open()
        await person.button(COMPANY).click()
        await pass_provider(browsed.page, "boris")
        await expect(person.heading("Overview")).to_be_visible()
        await console.sign_in(ADMIN_TOKEN)
        await console.link("Settings").click()
        await expect(console.rows("Sessions").first).to_contain_text("oidc:boris@example.org")
        await console.button("End the session of oidc:boris@example.org").first.click()
        await console.dialog.get_by_role("button", name="End session", exact=True).click()
        await expect(console.page.locator("#notice")).to_contain_text("was ended")
        await expect(person.page.get_by_role("alert")).to_have_text("Your session has ended. Sign in again.")
    await expect(console.rows("Processes").first).to_contain_text("HERALD_API_RATE=")
    await console.button("New token").click()
    await console.dialog.get_by_label("Name").fill("shop")
    await console.button("Create token").click()
    secret = await console.dialog.get_by_label("Token").input_value()
    assert secret.startswith("herald_")
    await console.button("Close").last.click()
    await expect(console.rows("Tokens").first).to_contain_text("shop")
    assert secret not in await console.page.content()
    await console.button("Revoke the token shop").click()
    await console.dialog.get_by_role("button", name="Revoke", exact=True).click()
    await expect(console.rows("Tokens").first).to_contain_text("revoked")
    await console.link("All events").click()
    for place, told in enumerate(("token revoked", "token created", "session ended")):
        await expect(console.rows("Events").nth(place)).to_contain_text(told)
    await expect(console.rows("Events").nth(2)).to_contain_text("of oidc:boris@example.org")
    await console.page.get_by_label("Who").fill("oidc:boris@example.org")
    await console.page.get_by_label("Event", exact=True).select_option("signed_in")
    await console.button("Search").click()
    await expect(console.rows("Events").first).to_contain_text("signed in")
    await expect(console.rows("Events").filter(has_text="session ended")).to_have_count(0)
    await console.page.evaluate("delete window.showSaveFilePicker")
    async with console.page.expect_download() as saving:
        await console.button("Download as CSV").click()
    saved = await (await saving.value).path()
    assert {line.split(",")[3] for line in saved.read_text().splitlines()[1:]} == {"oidc:boris@example.org"}


async def test_the_sign_in_begins_by_itself_where_that_is_wanted_but_not_after_a_sign_out(
    stack: Stack, console: Console
) -> None:
    await stack.process("api").restart({"HERALD_OIDC_AUTO": "true"})
    await console.open("/?again#/clients")
    await pass_provider(console.page, "anna")
    await expect(console.heading("Clients")).to_be_visible()
    await console.button("Sign out").click()
    await console.page.get_by_role("button", name="Yes, sign me out").click()
    await expect(console.button(COMPANY)).to_be_visible()
    await console.open("/?more#/sign-in?reason=refused")
    await expect(console.button(COMPANY)).to_be_visible()
