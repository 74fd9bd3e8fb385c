"""herald bench --running: measures one mailing through a running stack, such as that of docker compose."""

import asyncio
import secrets
from dataclasses import asdict
from pathlib import Path

import aiohttp
import orjson
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console

from bench import baseline
from bench.baseline import BareRun, BenchResult
from bench.mailings import seconds_of, send_mailing
from bench.pipeline import TEXT, import_clients, make_phones
from cli.connections.api import Json, open_api
from cli.failure import Failure
from cli.run import run
from cli.stack.output import announce
from cli.terminal.tables import make_table
from shared import logs, settings

NO_SANDBOX = "the sandbox does not answer at HERALD_PROVIDER_URL: a bench is never sent to a real provider"
# The ids of the bare client are far above those of Herald and differ between runs, so that none is a duplicate.
RUNS = 1000


class BenchSettings(BaseSettings):
    """The provider of the running stack, which must be the sandbox."""

    model_config = SettingsConfigDict(env_prefix=settings.PREFIX, extra="ignore", frozen=True)

    provider_url: str = "http://localhost:8090/v1"
    provider_token: SecretStr


def bench(messages: int, output: Path | None) -> None:
    """Runs the bench, prints the figures, and writes them to `output` as JSON if it is given."""
    run(_bench(messages, output))


async def _bench(messages: int, output: Path | None) -> int:
    logs.configure("herald", level="error", json=False)
    result = await _measure(messages, settings.load(BenchSettings))
    if output is not None:
        await asyncio.to_thread(output.write_bytes, orjson.dumps(asdict(result), option=orjson.OPT_INDENT_2))
    _show(Console(), result)
    return 0 if result.sent == messages and not result.duplicates else 1


async def _measure(messages: int, config: BenchSettings) -> BenchResult:
    duplicates = (await _ledger(config.provider_url))["duplicates"]
    tag, phones, half = f"bench-{secrets.token_hex(3)}", make_phones(messages), messages // 2
    # The bare client runs before and after the mailing, since the speed of a machine drifts.
    bare = await _bare(config, phones[:half])
    async with open_api() as api:
        await import_clients(api, phones, tag)
        statistics = await send_mailing(api, tag, TEXT)
        mailing = await api.get(f"/mailings/{statistics['mailing_id']}")
    doubled = (await _ledger(config.provider_url))["duplicates"] - duplicates
    bare += await _bare(config, phones[half:])
    rate = messages / seconds_of(mailing, statistics)
    return BenchResult(
        messages=messages,
        rate=round(rate, 1),
        bare_rate=round(bare.rate, 1),
        ratio=round(rate / bare.rate, 3),
        sent=statistics["by_status"]["sent"],
        duplicates=doubled,
    )


async def _bare(config: BenchSettings, phones: list[str]) -> BareRun:
    first_id = baseline.FIRST_ID * (1 + secrets.randbelow(RUNS))
    token = config.provider_token.get_secret_value()
    return await baseline.measure(config.provider_url, token, phones, TEXT, first_id=first_id)


async def _ledger(provider_url: str) -> Json:
    """Returns the ledger of the sandbox. Raises Failure if the provider is not the sandbox."""
    url = provider_url.rstrip("/").removesuffix("/v1") + "/ledger"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as reply:
            reply.raise_for_status()
            ledger: Json = await reply.json()
            return {"duplicates": int(ledger["duplicates"])}
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
        raise Failure(NO_SANDBOX, code=2) from error


def _show(console: Console, result: BenchResult) -> None:
    rows = [
        ("messages a second, from creation to the last final status", result.rate),
        ("a bare client on the same server, messages a second", result.bare_rate),
        ("ratio", result.ratio),
        ("sent", result.sent),
        ("duplicates", result.duplicates),
    ]
    console.print(make_table(f"{result.messages} messages", ("figure", "value"), rows))
    announce("the clients of this bench stay in the directory, with a tag that begins with bench-")
