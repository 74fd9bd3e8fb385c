"""Every preset against its dialect: the request is understood, and each answer means what the table of presets says."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, compile_provider
from services.sandbox.app import serve
from services.sandbox.settings import SandboxSettings
from shared.providers.presets import preset_names
from shared.providers.reading import parse_providers_file
from shared.providers.secrets import SecretValues
from tests.support.builders import PHONE, a_claim

PATHS = {
    "smsc": "/presets/smsc/sys/send.php",
    "smsru": "/presets/smsru/sms/send",
    "exolve": "/presets/exolve/messaging/v1/SendSMS",
    "vonage": "/presets/vonage/sms/json",
    "twilio": "/presets/twilio/2010-04-01/Accounts/AC1/Messages.json",
    "jasmin": "/presets/jasmin/send",
    "telegram": "/presets/telegram/bot${TELEGRAM_TOKEN}/sendMessage",
}
NAMES = ("LOGIN", "PASSWORD", "API_ID", "API_KEY", "API_SECRET", "TOKEN", "ACCOUNT_SID", "AUTH_TOKEN", "USER")
ENVIRONMENT = {f"{preset.upper()}_{name}": "AC1" for preset in PATHS for name in NAMES}
HOLD, PERMANENT, THROTTLED, TEMPORARY, UNKNOWN, DUPLICATE = (
    *("hold", "permanent", "throttled", "temporary", "unknown"),
    "duplicate",
)
ELSEWHERE, OPT_OUT = "permanent elsewhere", "permanent opt out"
CODES: dict[str, dict[str, str]] = {
    "smsc": {HOLD: "2 3 4", PERMANENT: "1 5 6 7", ELSEWHERE: "8", THROTTLED: "9c", DUPLICATE: "9"},
    "smsru": {
        HOLD: "200 201 206 221 300 301 302 501 502 503 504 505 506 507",
        PERMANENT: "202 203 205 208 212 214 216 217 230 232 233 550",
        ELSEWHERE: "150 204 207",
        OPT_OUT: "209 215",
        DUPLICATE: "231",
        TEMPORARY: "220 500",
    },
    "exolve": {HOLD: "401 402 403 404", PERMANENT: "400 200", THROTTLED: "429", UNKNOWN: "500"},
    "vonage": {
        HOLD: "4 8 9 11 14 23 29 32",
        PERMANENT: "2 3 7 12 33",
        ELSEWHERE: "6 15 22",
        THROTTLED: "1 10",
        TEMPORARY: "5",
    },
    "twilio": {
        HOLD: "20003 20005 20006 20404 21212 21603 21606 21608 21659 21660 21701 21703 63038",
        PERMANENT: "21211 21602 21614 21617 21624 21635",
        ELSEWHERE: "21408 21612",
        OPT_OUT: "21610",
        THROTTLED: "20429 21611 14107",
    },
    "jasmin": {
        HOLD: "403 403c 400a",
        PERMANENT: "400",
        ELSEWHERE: "412",
        THROTTLED: "403t",
        TEMPORARY: "503 412u 500s",
        UNKNOWN: "500",
    },
    "telegram": {HOLD: "401 404", ELSEWHERE: "400", OPT_OUT: "403", THROTTLED: "429"},
}


class Rig:
    """A sandbox, and the client with which a preset's requests are sent to it."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    def mapping(self, preset: str) -> ProviderMapping:
        text = f"""
version: 1
providers:
  ours:
    preset: {preset}
    sender: MyShop
    request: {{url: "{self.url}{PATHS[preset]}"}}
"""
        config = parse_providers_file(text).providers["ours"]
        return compile_provider("ours", config, SecretValues(ENVIRONMENT), Surroundings("house"))

    async def send(self, preset: str, *, phone: str = PHONE, **claim: Any) -> Classification:
        mapping = self.mapping(preset)
        # The chat of the client, which only Telegram is told.
        attributes = json.dumps({"telegram_id": int(phone)})
        values = mapping.values_of(a_claim(phone=phone, client_attributes=attributes, **claim), 3600)
        request = mapping.render(values)
        headers = dict(line.split(": ", 1) for line in request.headers.decode().split("\r\n") if line)
        url = f"{self.url}{request.path.decode()}"
        async with self.session.request(
            request.method.decode(), url, data=request.body or None, headers=headers
        ) as response:
            reply = Reply("answered", response.status, await response.read())
        return mapping.classify(reply, values)

    async def set_faults(self, **faults: Any) -> None:
        async with self.session.put(f"{self.url}/faults", json=faults) as response:
            assert response.status == 200, await response.text()

    async def accepted(self) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.url}/ledger/messages") as response:
            items: list[dict[str, Any]] = (await response.json())["items"]
            return items


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    config = SandboxSettings(sandbox_port=0)
    async with serve(config) as ports, aiohttp.ClientSession() as session:
        yield Rig(session, f"http://127.0.0.1:{ports.send}")


def test_every_preset_is_here() -> None:
    assert set(PATHS) == set(CODES) == preset_names() - {"probe"}


@pytest.mark.parametrize("text", ["plain text", "не латиница"])
@pytest.mark.parametrize("preset", sorted(PATHS))
async def test_a_message_is_taken_and_its_text_arrives(rig: Rig, preset: str, text: str) -> None:
    found = await rig.send(preset, text=text)
    assert found.verdict == "accepted"
    assert found.provider_id
    [message] = await rig.accepted()
    assert (message["phone"], message["text"]) == (int(PHONE), text)


@pytest.mark.parametrize("preset", sorted(PATHS))
async def test_every_code_means_what_the_table_says(rig: Rig, preset: str) -> None:
    wrong = []
    for expected, codes in CODES[preset].items():
        for code in codes.split():
            await rig.set_faults(modes={"code": 1}, code=code)
            found = await rig.send(preset)
            verdict = found.verdict + " elsewhere" * found.elsewhere + " opt out" * found.opt_out
            if verdict != expected:
                wrong.append((code, verdict, expected))
    assert wrong == []
    assert await rig.accepted() == []


@pytest.mark.parametrize("preset", sorted(PATHS))
@pytest.mark.parametrize(
    ("phone", "verdicts"),
    [("79990000400", {"permanent"}), ("79990000429", {"throttled", "temporary"}), ("79990000500", {"unknown"})],
)
async def test_magic_phones_work_in_every_dialect(rig: Rig, preset: str, phone: str, verdicts: set[str]) -> None:
    assert (await rig.send(preset, phone=phone)).verdict in verdicts


@pytest.mark.parametrize("preset", sorted(PATHS))
@pytest.mark.parametrize("mode", ["html", "empty", "no_code", "garbage"])
async def test_a_success_that_cannot_be_read_is_unknown(rig: Rig, preset: str, mode: str) -> None:
    await rig.set_faults(modes={mode: 1})
    assert (await rig.send(preset)).verdict == "unknown"


async def test_a_long_text_at_vonage_costs_the_sum_of_its_parts(rig: Rig) -> None:
    found = await rig.send("vonage", text="x" * 300)
    assert str(found.cost) == "0.10000000"


async def test_a_dialect_that_is_none_is_not_found(rig: Rig) -> None:
    async with rig.session.post(f"{rig.url}/presets/nobody/send") as response:
        assert response.status == 404
