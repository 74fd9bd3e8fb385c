"""Finding things in the console: lists, filters and pages are in the address, and what is wrong is seen at once."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
from playwright.async_api import expect

from services.dispatcher.providers import store as dispatchers
from services.dispatcher.providers.store import ProviderReport
from tests.e2e.browser.console import Console
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows


async def test_a_search_an_order_and_a_page_are_in_the_address(
    console: Console, rows: Rows, pool: asyncpg.Pool
) -> None:
    ids = [await rows.mailing("finished", sent=9, rejected=1) for _ in range(27)]
    await rows.mailing("cancelled", sent=5)
    await pool.execute("UPDATE mailings SET name = 'Sale ' || id WHERE id = ANY ($1)", ids)
    page, list_of = console.page, console.rows("Mailings")
    await console.open("/#/mailings")
    await page.get_by_label("Name or text").fill("sale")
    await page.keyboard.press("Enter")
    await expect(list_of.first).to_contain_text(re.compile(rf"Sale {ids[-1]}.*finished with failures.*9.*1 \(10%\)"))
    await page.get_by_label("Order").select_option("oldest first")
    await expect(list_of.first).to_contain_text(f"Sale {ids[0]}")
    await console.button("Next").click()
    await expect(list_of).to_have_count(2)
    await page.reload()
    await expect(list_of).to_have_count(2)
    assert "q=sale" in page.url
    await list_of.first.get_by_role("link").click()
    await expect(console.heading(re.compile("Sale"))).to_be_visible()
    await page.go_back()
    await expect(list_of).to_have_count(2)
    await expect(page.get_by_label("Name or text")).to_have_value("sale")
    await page.get_by_label("State", exact=True).select_option("cancelled")
    await expect(page.get_by_text("No mailing was found.")).to_be_visible()
    await page.go_back()
    await expect(list_of).to_have_count(2)
    await console.button("Show all mailings").click()
    await expect(list_of).to_have_count(25)


async def test_the_menu_of_a_row_works_without_a_mouse(console: Console, api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running", pending=5)
    await console.open("/#/mailings")
    await console.button(f"Actions of mailing {mailing}").press("Enter")
    items = console.page.get_by_role("menuitem")
    await expect(items).to_have_text(["Pause", "Edit", "Send a test", "Duplicate", "Cancel", "Delete"])
    await expect(items.first).to_be_focused()
    await console.page.keyboard.press("Enter")
    await expect(console.rows("Mailings").first).to_contain_text("paused")
    await console.button(f"Actions of mailing {mailing}").click()
    await console.page.get_by_role("menuitem", name="Duplicate").click()
    await expect(console.state).to_have_text("draft")
    assert len((await api.get("/mailings")).body["items"]) == 2


async def test_a_reason_shows_its_messages_and_a_phone_leads_to_its_client(
    console: Console, rows: Rows, pool: asyncpg.Pool
) -> None:
    mailing = await rows.mailing("finished", sent=1, rejected=2)
    for phone, reason in (("79160000001", "HTTP 400"), ("79160000002", "opted out")):
        await rows.message(mailing, await rows.client(phone), "rejected", reason=reason, attempts=1)
        await pool.execute("INSERT INTO reasons VALUES ($1, 'rejected', $2, 1)", mailing, reason)
    await rows.message(mailing, await rows.client("79160000003"), "sent", attempts=1)
    await console.open(f"/#/mailings/{mailing}")
    await expect(console.rows("Messages")).to_have_count(3)
    await expect(console.rows("Messages").last).to_contain_text("Accepted by the provider.")
    await console.button("opted out").click()
    await expect(console.rows("Messages")).to_contain_text(["79160000002"])
    await console.page.reload()
    await expect(console.rows("Messages")).to_contain_text(["79160000002"])
    await console.button("Remove opted out").click()
    await expect(console.rows("Messages")).to_have_count(2)
    await console.page.get_by_label("Find a phone").fill("8 (916) 000-00-03")
    await console.page.keyboard.press("Enter")
    await expect(console.rows("Messages")).to_have_count(1)
    await expect(console.rows("Messages")).to_contain_text(["79160000003"])
    await console.page.get_by_label("Find a phone").fill("")
    await console.page.keyboard.press("Enter")
    await expect(console.rows("Messages")).to_have_count(3)
    await console.rows("Messages").first.get_by_role("link").click()
    await expect(console.heading(re.compile(r"Client \d+"))).to_be_visible()


async def test_reasons_go_once_no_message_has_them_any_more(console: Console, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running", sent=1, expired=2)
    await pool.execute("INSERT INTO reasons VALUES ($1, 'expired', 'deadline reached, last HTTP 500', 2)", mailing)
    await console.open(f"/#/mailings/{mailing}")
    await expect(console.button("deadline reached, last attempt: HTTP 500")).to_be_visible()
    await pool.execute("UPDATE reasons SET count = 0")
    await pool.execute("UPDATE mailing_counts SET sent = 3, expired = 0")
    await expect(console.region("Reasons")).to_contain_text("No messages have failed.")


async def test_a_provider_that_is_down_is_seen_on_every_page(console: Console, rows: Rows, pool: asyncpg.Pool) -> None:
    mailing = await rows.mailing("running", pending=9)
    await rows.mailing("finished", sent=1, expired=9)
    reason = "provider unreachable"
    await dispatchers.report(pool, uuid4(), [ProviderReport("smsc", "open", reason, 0, 0.0, 1.0, test_mode=False)])
    strip = console.page.locator("#health")
    for path in ("/#/", "/#/mailings", f"/#/mailings/{mailing}", "/#/mailings/new"):
        await console.open(path)
        await expect(strip).to_contain_text(re.compile("Provider.*down"))
        await expect(strip).to_contain_text("the provider smsc is down since")
    await console.open(f"/#/mailings/{mailing}")
    await expect(console.state).to_have_text("running: held up")
    await expect(console.page.locator(".activity")).to_contain_text(reason)
    await console.open("/#/")
    await expect(console.region("Needs attention").locator("li")).to_contain_text(
        ["cannot be sent", "RabbitMQ is away", "90% failed, 9 in all"]
    )
    await expect(console.region("Next")).to_contain_text("ends")
    assert datetime.now(UTC).strftime("%d %b") in await strip.inner_text()
