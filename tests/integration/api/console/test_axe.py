"""What axe-core finds on every page: nothing serious, in either scheme."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from playwright.async_api import expect

from services.dispatcher.providers import store as dispatchers
from services.dispatcher.providers.store import ProviderReport
from tests.e2e.browser.console import Console
from tests.integration.api.rows import Rows

AXE = Path(__file__).parents[4] / ".venv/javascript/node_modules/axe-core/axe.min.js"
RULES = ["landmark-unique", "empty-table-header"]
# Every section of Swagger UI is built alike, and axe takes a quarter of a minute for all of them.
DOCS = ["nav", ".information-container", ".scheme-container", ".opblock-tag-section"]
RUN = """async ([rules, parts]) => {
    const include = parts.map((part) => document.querySelector(part));
    const found = await axe.run({include}, {resultTypes: ['violations'],
        rules: Object.fromEntries(rules.map((rule) => [rule, {enabled: true}]))});
    return found.violations.filter(({ impact, id }) => ['serious', 'critical'].includes(impact) || rules.includes(id))
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`);
}"""


async def test_axe_finds_nothing_serious_on_any_page(console: Console, rows: Rows, pool: asyncpg.Pool) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `make javascript` does it, with Node.js")
    client = await rows.client("79160000001", tag="vip")
    mailing = await rows.mailing("running", pending=5, rejected=1)
    await rows.message(mailing, client, "rejected", reason="HTTP 400", attempts=1)
    await pool.execute("INSERT INTO reasons VALUES ($1, 'rejected', 'HTTP 400', 1)", mailing)
    await pool.execute("INSERT INTO minutes VALUES ($1, $2, 3, 1)", mailing, datetime.now(UTC).replace(second=0))
    process, found = uuid4(), dict[str, Any]()
    for path, ready in (
        ("/#/", ".attention li"),
        ("/#/mailings", "tbody tr"),
        (f"/#/mailings/{mailing}", "tbody tr"),
        ("/#/mailings/new", "textarea"),
        ("/#/segments", "main .list"),
        ("/#/segments/new", ".condition"),
        ("/#/stop-list", "main .list"),
        ("/#/clients/import", ".drop"),
        ("/#/clients", "tbody tr"),
        (f"/#/clients/{client}", "main .list"),
        ("/#/providers", "tbody tr"),
        ("/#/dead-letters", "main"),
        ("/#/settings", "main .list"),
        ("/#/events", "main .list"),
        ("/docs/", ".opblock"),
        ("/api/", ".index"),
        ("/#/nowhere", "main h1"),
    ):
        # A report is forgotten after a minute, which the pages before may take.
        await dispatchers.report(pool, process, [ProviderReport("smsc", "closed", None, 1, 9.0, 0.0, test_mode=False)])
        await console.open(path)
        await expect(console.page.locator(ready).first).to_be_visible()
        await console.page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            await console.page.emulate_media(
                color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
            )
            if path == "/docs/":
                # A script follows the scheme, a moment later than the style sheets do.
                await expect(console.page.locator("html.dark-mode")).to_have_count(int(scheme == "dark"))
                # Swagger UI blends the colours of its links.
                await console.page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
            if wrong := await console.page.evaluate(RUN, [RULES, DOCS if path == "/docs/" else ["html"]]):
                found[f"{path} {scheme}"] = wrong
    assert not found, "\n".join(f"{path}: {wrong}" for path, wrong in found.items())
