"""Writing and editing mailings in the console: nothing that is typed is lost, and nobody overwrites another unaware."""

import re

from playwright.async_api import Locator, expect

from shared.texts.sms import count_segments
from tests.e2e.browser.console import REFUSED, Console
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows


def text_of(console: Console) -> Locator:
    return console.dialog.get_by_label("Text", exact=True)


async def test_of_two_who_edit_a_mailing_the_second_is_told_and_loses_nothing(
    console: Console, api: Api, rows: Rows
) -> None:
    console.allow(REFUSED.format(412))
    mailing = await rows.mailing("draft")
    await console.open(f"/#/mailings/{mailing}")
    await console.button("Edit").click()
    await text_of(console).fill("Mine")
    await api.patch(f"/mailings/{mailing}", {"text": "Theirs", "name": "Their name"})
    await console.dialog.get_by_role("button", name="Save").click()
    await expect(console.dialog.get_by_role("alert")).to_contain_text("It was changed meanwhile.")
    await expect(console.dialog.get_by_role("status")).to_contain_text(re.compile("Somebody else.*Their name.*Theirs"))
    await expect(text_of(console)).to_have_value("Mine")
    await console.dialog.get_by_role("button", name="Save").click()
    await expect(console.dialog).to_have_count(0)
    stored = (await api.get(f"/mailings/{mailing}")).body
    assert (stored["text"], stored["name"]) == ("Mine", "Their name")


async def test_what_only_the_planner_has_changed_is_no_conflict(console: Console, api: Api, rows: Rows) -> None:
    console.allow(REFUSED.format(412))
    mailing = await rows.mailing("running", pending=3)
    await console.open(f"/#/mailings/{mailing}")
    await console.button("Edit").click()
    await text_of(console).fill("Mine")
    await api.post(f"/mailings/{mailing}/pause")
    await console.dialog.get_by_role("button", name="Save").click()
    await expect(console.dialog).to_have_count(0)
    assert (await api.get(f"/mailings/{mailing}")).body["text"] == "Mine"


async def test_an_edit_survives_leaving_the_page_and_a_save_that_failed(console: Console, api: Api, rows: Rows) -> None:
    console.allow(REFUSED.format(422))
    mailing = await rows.mailing("draft")
    await console.open(f"/#/mailings/{mailing}")
    await console.button("Edit").click()
    await text_of(console).fill("{{")
    await console.dialog.get_by_role("button", name="Save").click()
    await expect(text_of(console)).to_have_attribute("aria-invalid", "true")
    await text_of(console).fill("Half written")
    await console.open("/#/clients")
    await expect(console.dialog).to_have_count(0)
    await console.page.go_back()
    await console.button("Edit").click()
    await expect(text_of(console)).to_have_value("Half written")
    await expect(console.dialog.get_by_role("status")).to_contain_text("did not save")
    await console.dialog.get_by_role("button", name="Discard changes").click()
    await console.button("Edit").click()
    await expect(text_of(console)).to_have_value("Hello")
    assert (await api.get(f"/mailings/{mailing}")).body["text"] == "Hello"


async def test_a_new_mailing_counts_as_it_is_typed_and_becomes_a_draft_that_is_tried_and_started(
    console: Console, api: Api, rows: Rows
) -> None:
    console.allow(REFUSED.format(422))
    for phone, tag in (("79160000001", "vip"), ("79160000002", "vip"), ("79030000003", "new")):
        await rows.client(phone, tag=tag)
    page = console.page
    await console.open("/#/mailings/new")
    await expect(page.locator(".audience")).to_have_text("Goes to 3 clients.")
    await page.get_by_label("Name", exact=True).fill("Sale")
    await page.get_by_label("Text", exact=True).fill("Распродажа" * 8)
    await expect(page.get_by_text("80 of 2,000 characters. 2 SMS, room for 54 more in the last.")).to_be_visible()
    offered = await page.locator("datalist option").evaluate_all("all => all.map((one) => one.label)")
    assert offered == ["916: 2 clients", "903: 1 client", "vip: 2 clients", "new: 1 client"]
    await page.get_by_label("Tags").fill("nobody")
    await page.keyboard.press("Enter")
    await expect(page.locator(".audience")).to_contain_text("No client matches.")
    await console.button("Preview").click()
    await expect(console.figure("recipients")).to_have_text("0")
    await expect(page.get_by_role("button", name=re.compile("Create mailing"))).to_have_count(0)
    await console.button("Remove nobody").click()
    await console.button("a week later").click()
    await console.button("Save as a draft").click()
    await expect(console.heading(re.compile("Sale"))).to_be_visible()
    await expect(console.state).to_have_text("draft")
    await console.button("Send a test").click()
    await console.dialog.get_by_label("Phones").fill("123")
    await console.dialog.get_by_role("button", name="Send the test").click()
    await expect(console.dialog.get_by_label("Phones")).to_have_attribute("aria-invalid", "true")
    await console.dialog.get_by_label("Phones").fill("+7 (999) 111-22-33")
    await console.dialog.get_by_role("button", name="Send the test").click()
    await expect(console.rows("What became of the test")).to_contain_text(["79991112233"])
    await page.keyboard.press("Escape")
    await console.button("Start").click()
    await console.dialog.get_by_role("button", name="Start").click()
    await expect(console.state).to_have_text("scheduled")
    [made] = (await api.get("/mailings")).body["items"]
    assert (made["name"], made["status"]) == ("Sale", "scheduled")
    await console.open("/#/mailings/new")
    await expect(page.get_by_label("Text", exact=True)).to_have_value("")


TEXTS = ["", "a" * 160, "a" * 161, "a" * 159 + "€", "a" * 152 + "€" + "b" * 20, "я" * 70, "я" * 71, "я" * 66 + "😀" * 5]


async def test_the_console_counts_short_messages_as_the_api_does(console: Console) -> None:
    script = "async (text) => (await import('/console/new_mailing/sms_parts.js')).countParts(text).parts"
    for text in TEXTS:
        assert await console.page.evaluate(script, text) == count_segments(text), text
