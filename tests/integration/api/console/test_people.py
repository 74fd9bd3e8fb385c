"""Segments, conditions, personal texts and the window in the console: what is chosen is what the API gets."""

import re
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest_asyncio
from playwright.async_api import expect

from services.api.mailings.default_window import parse_window
from tests.e2e.browser.console import REFUSED, Console
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows

TEXT = "Hello, {{name}}! {{bonus|No}} points."
PHONES = [f"7916000000{place}" for place in range(10)]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@pytest_asyncio.fixture
async def api(make_api: MakeApi) -> Api:
    """The API of an installation with usual hours."""
    return await make_api(default_window=parse_window("00:01-23:59"))


async def people(pool: asyncpg.Pool, number: int, *, nameless: int, from_tver: int = 0) -> None:
    """Clients of whom the first lack a name and a city; the last are from Tver, the others from Moscow."""
    await pool.execute(
        """
        INSERT INTO clients (phone, operator_code, timezone, attributes)
        SELECT (79160000000 + i)::text, '916', 'UTC', CASE WHEN i < $2 THEN '{}' ELSE jsonb_build_object(
            'name', 'Anna' || i, 'city', CASE WHEN i < $1 - $3 THEN 'Moscow' ELSE 'Tver' END) END
        FROM generate_series(0, $1 - 1) AS i
        """,
        number,
        nameless,
        from_tver,
    )


async def test_a_mailing_takes_a_segment_or_conditions_of_its_own_and_counts_them(
    console: Console, api: Api, rows: Rows, pool: asyncpg.Pool
) -> None:
    console.allow(REFUSED.format(422))
    await people(pool, 10, nameless=3, from_tver=2)
    earlier = await rows.mailing("finished", sent=1)
    await rows.message(earlier, await pool.fetchval("SELECT max(id) FROM clients"), "sent")
    page = console.page
    await console.open("/#/segments/new")
    await page.get_by_label("Name", exact=True).fill("From Tver")
    await page.get_by_label("Name of the attribute").fill("city")
    await page.get_by_label("Value", exact=True).fill("Tver")
    await expect(page.locator(".count")).to_have_text("Clients who match now: 2")
    await console.button("Save").click()
    await expect(console.rows("Segments")).to_contain_text("From Tver")
    await console.open("/#/mailings/new")
    await expect(page.locator(".audience")).to_have_text("Goes to 10 clients.")
    await page.get_by_label("Text", exact=True).fill("Hello")
    further = page.get_by_label("Further conditions")
    await further.select_option("segment From Tver")
    await expect(page.locator(".audience")).to_have_text("Goes to 2 clients.")
    await further.select_option("conditions of this mailing")
    await expect(page.locator(".audience")).to_have_text("The clients are counted once the conditions are complete.")
    await page.get_by_label("Name of the attribute").fill("city")
    await page.get_by_label("Value", exact=True).fill("Tver")
    await console.button("Those who did not get a mailing").click()
    await page.get_by_role("spinbutton", name="Mailing", exact=True).fill(str(earlier))
    await expect(page.locator(".audience")).to_have_text("Goes to 1 client.")
    # A group within the group: those of Moscow, or without a city.
    await console.button("Add a condition").click()
    await page.get_by_label("Condition on").last.select_option("Group of conditions")
    inner = page.locator(".group .group")
    await inner.get_by_label("Name of the attribute").fill("city")
    await inner.get_by_label("Value", exact=True).fill("Moscow")
    await inner.get_by_role("button", name="Add a condition").click()
    await inner.get_by_label("Name of the attribute").last.fill("city")
    await inner.get_by_label("Operator").last.select_option("is missing")
    await page.locator(".group > select").first.select_option("Clients who meet none of these")
    await expect(page.locator(".audience")).to_have_text("No client matches. The mailing would finish at once.")
    await page.locator(".group > select").first.select_option("Clients who meet one of these")
    await expect(page.locator(".audience")).to_have_text("Goes to 10 clients.")
    await page.get_by_label("Condition on").nth(1).select_option("Tag")
    await page.locator(".condition").nth(1).get_by_label("Value", exact=True).fill("x" * 257)
    await console.button("Preview").click()
    await expect(page.locator(".condition").nth(1).locator("> .wrong")).not_to_be_empty()
    await page.locator(".condition").nth(1).get_by_label("Remove the condition").click()
    await expect(page.get_by_text("These are the usual hours of this installation.")).to_be_visible()
    for day in ("Sat", "Sun"):
        await page.get_by_label(day, exact=True).uncheck()
    await console.button("Save as a draft").click()
    await expect(console.state).to_have_text("draft")
    [made, _] = (await api.get("/mailings")).body["items"]
    moscow = {"field": "attribute", "name": "city", "op": "eq", "value": "Moscow"}
    lacking = {"field": "attribute", "name": "city", "op": "exists", "value": False}
    assert made["filter"]["any"] == [{**moscow, "value": "Tver"}, {"any": [moscow, lacking]}]
    assert made["window"] == {"from": "00:01", "to": "23:59", "days": ["mon", "tue", "wed", "thu", "fri"]}
    plan = page.locator(".plan").first
    await expect(plan).to_contain_text(
        "one of: Attribute city is Tver; (one of: Attribute city is Moscow; Attribute city is missing)"
    )
    await expect(plan).to_contain_text("00:01 to 23:59 in each client's time zone, on Mon, Tue, Wed, Thu, Fri")
    # An edit shows the same rows, and changes nothing that was not touched.
    await console.button("Edit").click()
    await expect(console.dialog.get_by_label("Further conditions")).to_have_value("own")
    await console.dialog.get_by_label("Further conditions").select_option("segment From Tver")
    await console.dialog.get_by_role("button", name="Save").click()
    await expect(plan).not_to_contain_text("one of")
    edited = (await api.get(f"/mailings/{made['id']}")).body
    assert (edited["filter"]["segment"], edited["filter"]["any"]) == (1, None)
    assert edited["window"] == made["window"]


async def test_who_lacks_a_value_is_said_before_a_mailing_and_skipped_where_that_is_chosen(
    console: Console, api: Api, pool: asyncpg.Pool
) -> None:
    console.allow(REFUSED.format(409))
    await people(pool, 10_000, nameless=37)
    page = console.page
    await console.open("/#/mailings/new")
    missing = page.get_by_label("If clients lack a value of the text")
    await page.get_by_label("Text", exact=True).fill("Hello")
    await expect(missing).to_be_hidden()
    await page.get_by_label("Text", exact=True).fill(TEXT)
    await expect(missing).to_have_value("refuse")
    await console.button("Preview").click()
    placeholders = console.rows("Placeholders")
    await expect(placeholders.first).to_contain_text(re.compile("name37no message" + " ".join(PHONES[:5])))
    await expect(placeholders.last).to_contain_text(re.compile("bonus10,000the fallback"))
    texts = console.rows("The first texts")
    await expect(texts).to_have_count(5)
    await expect(texts.first).to_contain_text("79160000000Nothing would be sent: no value: name")
    await expect(console.figure("SMS of all texts")).to_have_text("9,963")
    await expect(page.get_by_text("37 clients lack a value and would get nothing.")).to_be_visible()
    far = (datetime.now(UTC) + timedelta(days=3)).weekday()
    for day in DAYS[:far] + DAYS[far + 1 :]:
        await page.get_by_label(day, exact=True).uncheck()
    await console.button("Preview").click()
    await expect(page.get_by_text(re.compile("10,000 clients cannot be reached.*UTC [(]10,000[)]"))).to_be_visible()
    await console.button("Create mailing for 10,000 clients").click()
    alert = page.get_by_role("alert").last
    await expect(alert).to_contain_text("Some of the audience lack a value: 37 lack name. Nothing was stored.")
    await expect(alert).to_contain_text(f"37 clients lack the value name, such as {', '.join(PHONES[:5])}")
    await expect(alert).to_contain_text("choose in the mailing that those clients are left out")
    await missing.select_option("leave those clients out")
    await console.button("Preview").click()
    await console.button("Create mailing for 10,000 clients").click()
    await expect(console.state).to_have_text("scheduled")
    await expect(page.locator(".plan").first).to_contain_text("leave those clients out")
    [made] = (await api.get("/mailings")).body["items"]
    assert (made["text"], made["on_missing"]) == (TEXT, "skip")


async def test_a_draft_with_a_file_can_be_turned_back_into_one_to_everybody(
    console: Console, api: Api, pool: asyncpg.Pool
) -> None:
    await people(pool, 10, nameless=0)
    body = {
        "text": "Hello",
        "filter": {},
        "end_at": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
        "draft": True,
    }
    draft = (await api.post("/mailings", body)).body["id"]
    file = b"phone\n79169999991\n79169999992\n"
    await api.post(f"/mailings/{draft}/recipients", data=file, headers={"Content-Type": "text/csv"})
    await console.open(f"/#/mailings/{draft}")
    section = console.region("Recipients from a file")
    await expect(section).to_contain_text("The mailing goes to 2 recipients of a file.")
    await console.button("Give the file up").click()
    await expect(console.dialog).to_contain_text("Without the file the mailing goes to every client")
    await console.dialog.get_by_role("button", name="Give the file up").click()
    await expect(section).not_to_contain_text("recipients of a file")
    await expect(console.figure("recipients")).to_have_text("10")
    assert (await api.get(f"/mailings/{draft}")).body["recipients"] is None
