"""Attributes, segments, the stop list and filters at the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cli.main import app
from tests.conftest import MakeStack
from tests.support.stack import ADMIN_TOKEN

WIDE = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}


async def test_people_are_described_filtered_and_left_alone(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = await make_stack("api", env={"HERALD_STOP_LIST_KEY": "k" * 40})
    env = {"HERALD_API_URL": stack.api_url, "HERALD_TOKEN": ADMIN_TOKEN, **WIDE}

    async def herald(*words: str, code: int = 0) -> str:
        """Runs a command in this process, which saves the start of another."""
        done = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
        assert done.exit_code == code, done.output
        return done.output

    async def shown(*words: str) -> Any:
        return json.loads(await herald(*words, "--json"))

    values = ("--tags", "vip,news", "--external-id", "K-1", "--attribute", "name=Anna", "--attribute", "points=120")
    made = await shown("clients", "create", "+7 916 123-45-67", *values)
    assert (made["tags"], made["external_id"]) == (["vip", "news"], "K-1")
    assert made["attributes"] == {"name": "Anna", "points": 120}
    changed = await shown("clients", "edit", "K-1", "--attribute", "points=", "--attribute", 'contract="007"')
    assert changed["attributes"] == {"name": "Anna", "contract": "007"}
    assert "vip, news" in await herald("clients", "show", "K-1")
    assert (await shown("clients", "edit", "K-1", "--external-id", "", "--tags", ""))["tags"] == []
    assert "no client with the phone or the external id" in await herald("clients", "show", "K-1", code=1)
    await herald("clients", "create", "79161234568", "--tag", "vip")
    assert (await herald("clients", "export", "--tag", "vip")).splitlines()[1].startswith("79161234568")

    tree = tmp_path / "tree.json"
    tree.write_text('{"all": [{"field": "attribute", "name": "name", "op": "exists"}]}')
    assert (await shown("segments", "create", "Named", str(tree)))["id"] == 1
    assert "1 client, 0 of them on the stop list" in await herald("segments", "size", "1")
    assert (await shown("segments", "edit", "1", "--name", "With a name"))["name"] == "With a name"
    assert '"exists"' in await herald("segments", "list")

    mailing = ("mailings", "create", "--text", "Hi {{name}}", "--end-at", "+1h")
    assert "1 lack name. Nothing was stored: without name are 79161234568" in await herald(*mailing, "--yes", code=1)
    preview = await herald(*mailing, "--preview")
    assert "Hi Anna" in preview
    assert "no value: name" in preview
    skipping = await shown(*mailing, "--yes", "--on-missing", "skip", "--name", "First", "--draft")
    assert skipping["on_missing"] == "skip"
    stored = await herald("mailings", "preview", str(skipping["id"]))
    assert f"mailing {skipping['id']}, if it started now" in stored
    assert "79161234567" in stored
    assert "Hi Anna" in stored
    assert "opted_out" in await herald(*mailing, "--preview", "--segment", "1")
    filtered = await shown(*mailing, "--filter", str(tree), "--tag", "vip", "--window", "09:00-21:00 mon-tue")
    assert filtered["filter"]["all"] == json.loads(tree.read_text())["all"]
    assert filtered["window"]["days"] == ["mon", "tue"]
    found = await shown("mailings", "list", "--search", "first", "--status", "draft", "--status", "scheduled")
    assert found["id"] == skipping["id"]
    await herald("segments", "delete", "1", "--yes")

    phones = tmp_path / "phones.csv"
    phones.write_text("phone,reason\n79161234567,letter\n79161234569,\nno phone,\n")
    assert (await shown("suppressions", "import", str(phones)))["added"] == 2
    letters = tmp_path / "letters.csv"
    letters.write_text("\n".join(("ФИО;Телефон;Reason", "Ольга;8 (916) 123-45-70;письмо", "")), "cp1251")
    assert (await shown("suppressions", "import", str(letters), "--as-proposed"))["added"] == 1
    assert "письмо" in await herald("suppressions", "list")
    await herald("suppressions", "add", "8 916 123 45 68", "--reason", "asked")
    listed = await herald("suppressions", "list", "--phone", "79161234568")
    assert "command" in listed
    assert "asked" in listed
    await herald("suppressions", "remove", "+7 916 123-45-67", "--yes")
    assert len((await herald("suppressions", "export")).splitlines()) == 4
    assert "not on the stop list" in await herald("suppressions", "remove", "79161234567", "--yes", code=1)
