"""Receipts end to end: a new user follows docs/providers.md to the letter, and sees "delivered"."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.conftest import MakeStack
from tests.e2e.browser.console import Console
from tests.support import markdown
from tests.support.browser import browse
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import ADMIN_TOKEN, Stack

TUTORIAL = "From nothing to a first message"
# A receipt that overtakes its result waits for a quarter of a minute.
SOON = {"delay_ms": 1000}
UNDELIVERED = {"undelivered": 1.0, **SOON}
# The console asks every five seconds for receipts of a mailing that has finished.
RECEIPT_MS = 30_000

pytestmark = pytest.mark.timeout(180)


def at_home(text: str, stack: Stack) -> str:
    """Puts the ports of a stack in the place of the usual ones."""
    return text.replace("127.0.0.1:8090", stack.sandbox_url[7:]).replace("127.0.0.1:8080", stack.api_url[7:])


async def follow(line: str, folder: Path, env: dict[str, str]) -> str:
    """Runs a line of the tutorial in a shell, confirms what it asks, and returns what it prints."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", line),
        cwd=folder,
        env=os.environ | env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(b"y\n")
    assert process.returncode == 0, f"{line}: {out.decode()}"
    return out.decode()


async def test_the_tutorial_ends_with_delivered_and_the_undelivered_are_sent_again(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    tutorial = markdown.section(markdown.read("docs/providers.md"), TUTORIAL)
    (file, _), (start, second) = markdown.fenced(tutorial, "yaml"), markdown.fenced(tutorial, "sh")
    variables = dict(re.findall(r"(SMSC_\w+)=(\S+)", start))
    variables["HERALD_PROVIDERS_FILE"] = str(tmp_path / "providers.yaml")
    stack = await make_stack("sandbox", env=variables | {"HERALD_RETRY_DELAYS": "1s,2s,5s"})
    Path(variables["HERALD_PROVIDERS_FILE"]).write_text(at_home(file, stack))
    await stack.start("api", "planner", "dispatcher", "reporter")
    exports, *commands = re.split(r"\n(?!export)", at_home(second, stack).strip())
    env = {
        "HERALD_API_URL": stack.api_url,
        "HERALD_TOKEN": ADMIN_TOKEN,
        "COLUMNS": "200",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    printed = {line: await follow(f"{exports}\n{line}", tmp_path, env) for line in commands}
    assert "verdict: accepted" in next(out for line, out in printed.items() if " try " in line)
    operator, last = Operator(stack), commands[-1]

    async def delivered() -> bool:
        found = await operator.get("/mailings/1/statistics/delivery")
        return (found["delivered"], found["unconfirmed"]) == (1, 0)

    await until(delivered, 20, "the message is delivered")
    assert re.search(r"smsc\W+1\W+0", await follow(f"{exports}\n{last}", tmp_path, env))
    assert (await operator.get("/mailings/1/statistics"))["delivery"]["delivered"] == 1
    (message,) = await operator.messages(1)
    assert (message["delivery"], message["delivered_at"] is None) == ("delivered", False)

    await operator.set_faults(receipts=UNDELIVERED | {"urls": {"smsc": receipts_url(second, stack)}})
    again = await operator.create_mailing(text="again")
    await operator.until_status(again, "finished")

    async def undelivered() -> bool:
        return bool((await operator.get(f"/mailings/{again}/statistics/delivery"))["undelivered"] == 1)

    await until(undelivered, 30, "the message is undelivered")
    async with browse(stack.api_url) as browsed:
        console = Console(browsed, tmp_path)
        await console.open("/#/mailings/1")
        await console.sign_in(ADMIN_TOKEN)
        await expect(console.rows("Delivery").first).to_contain_text("smsc")
        await console.button("delivered").first.click()
        await expect(console.rows("Messages")).to_contain_text(["delivered"])
        await console.open(f"/#/mailings/{again}")
        await console.button("undelivered").first.click()
        await expect(console.rows("Messages")).to_contain_text(["undelivered: 6"])
        await operator.set_faults(receipts=SOON | {"urls": {"smsc": receipts_url(second, stack)}})
        await console.button("Send the undelivered again").click()
        await expect(console.dialog).to_contain_text("1 message was sent and did not reach the handset")
        await console.button("Send again").click()
        await expect(console.button("delivered").first).to_have_text("1", timeout=RECEIPT_MS)
        await expect(console.button("Send the undelivered again")).to_be_hidden()
        await console.open("/#/providers")
        await expect(console.rows("Providers").first).to_contain_text(re.compile(r"smsc.*works"))
        await console.button("Drain").click()
        await console.dialog.get_by_role("button", name="Drain").click()
        await expect(console.rows("Providers").first).to_contain_text("drained")
        await console.button("Resume").click()
        await console.dialog.get_by_role("button", name="Resume").click()
        await expect(console.rows("Providers").first).to_contain_text("works")
        assert console.wrong == []
    assert (await operator.ledger())["accepted"] == 4


def receipts_url(commands: str, stack: Stack) -> str:
    found = re.search(r'http://[^"]+/receipts/[^"]+', at_home(commands, stack))
    assert found is not None
    return found[0]
