"""What somebody does first in the console, and with clients that are chosen together."""

import json

import asyncpg
import pytest_asyncio
from playwright.async_api import expect

from services.api.stop_list.keys import StopListKey
from tests.e2e.browser.console import Console
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows


@pytest_asyncio.fixture
async def api(make_api: MakeApi) -> Api:
    return await make_api(stop_list_key=StopListKey("a key of at least sixteen"))


async def test_a_newcomer_is_led_to_the_import_and_told_that_there_are_no_clients(console: Console, rows: Rows) -> None:
    page = console.page
    await console.link("Write a mailing, and send its text to your own phone before anybody else").click()
    await expect(page.locator(".audience")).to_have_text("There are no clients yet: import them from a file.")
    await console.link("import them from a file").click()
    await expect(console.heading("Import clients")).to_be_visible()
    await expect(page.locator("#nav a[aria-current]")).to_have_text("Clients")
    await console.open("/#/stop-list")
    await expect(page.locator("#nav a[aria-current]")).to_have_text("Clients")
    await rows.mailing("finished")
    await console.open("/#/")
    await expect(console.figure("total").or_(page.get_by_text("1", exact=True)).first).to_be_visible()
    await expect(console.region("First steps")).to_be_hidden()


async def test_a_personal_text_is_tried_with_values_on_a_phone_in_any_notation(
    console: Console, pool: asyncpg.Pool
) -> None:
    await console.open("/#/mailings/new")
    text = r"{{name}}, \{{this}} is for {{name}} in {{city|town}}"
    await console.page.get_by_label("Text", exact=True).fill(text)
    await console.button("Send a test").click()
    dialog = console.dialog
    await expect(dialog.get_by_label("Phones")).to_be_focused()
    await expect(dialog.get_by_label("Value for")).to_have_count(2)
    await dialog.get_by_label("Value for name").fill("Anna")
    await dialog.get_by_label("Phones").fill("8 (999) 111-22-33")
    await dialog.get_by_role("button", name="Send the test").click()
    await expect(console.rows("What became of the test")).to_contain_text(["79991112233"])
    assert json.loads(await pool.fetchval("SELECT given FROM recipients")) == {"name": "Anna"}
    await console.page.keyboard.press("Escape")
    await console.button("Send a test").click()
    await expect(dialog.get_by_label("Value for name")).to_have_value("Anna")


async def test_clients_that_are_chosen_lose_a_tag_and_go_on_the_stop_list(
    console: Console, rows: Rows, pool: asyncpg.Pool
) -> None:
    for number, tag in enumerate(("vip", "vip", "old")):
        await rows.client(f"7916000000{number}", tag=tag)
    await console.open("/#/clients")
    await console.page.get_by_label("Select all on this page").check()
    await console.button("Take a tag away").click()
    await console.dialog.get_by_label("Tag").select_option("vip")
    await console.dialog.get_by_role("button", name="Take it from 3 clients").click()
    await expect(console.page.get_by_text("2 clients lost the tag.")).to_be_visible()
    assert [row["tag"] for row in await pool.fetch("SELECT tag FROM clients ORDER BY id")] == ["", "", "old"]
    await console.page.get_by_label("Select all on this page").check()
    await console.button("Put on the stop list").click()
    await console.dialog.get_by_label("Reason").fill("asked")
    await console.dialog.get_by_role("button", name="Put 3 clients on it").click()
    await expect(console.page.get_by_text("3 clients are on the stop list now.")).to_be_visible()
    assert await pool.fetchval("SELECT count(*) FROM clients WHERE suppression_id IS NOT NULL") == 3
    kept = await pool.fetch("SELECT reason, source FROM suppressions")
    assert {(row["reason"], row["source"]) for row in kept} == {("asked", "console")}
