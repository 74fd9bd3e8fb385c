"""The mapping that docs/providers.md writes out works: against a stand-in that speaks Infobip's published contract."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.api.receipts.reading import read_receipts
from services.dispatcher.provider_api.replies import Classification, Reply
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, compile_provider
from shared.messages import Receipt
from shared.providers.reading import parse_providers_file
from shared.providers.secrets import SecretValues
from tests.support.builders import PHONE, TEXT, a_claim
from tests.support.markdown import fenced, read, section

(MAPPING,) = fenced(section(read("docs/providers.md"), "One in full: Infobip"), "yaml")
SECRETS = {"INFOBIP_KEY": "a-key", "INFOBIP_RECEIPTS": "a-token"}
PENDING = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
REJECTED = {"groupId": 5, "groupName": "REJECTED", "id": 12, "name": "REJECTED_NOT_ENOUGH_CREDITS"}
WRONG_NUMBER = {"groupId": 5, "groupName": "REJECTED", "id": 6, "name": "REJECTED_NETWORK"}


class StandIn:
    """Speaks the contract: `status` is what the next message comes to, and `taken` what was sent."""

    def __init__(self) -> None:
        self.status: dict[str, Any] = PENDING
        self.taken: list[dict[str, Any]] = []

    async def send(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "App a-key":
            fault = {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login details"}}
            return web.json_response({"requestError": fault}, status=401)
        (message,) = (await request.json())["messages"]
        self.taken.append(message)
        (destination,) = message["destinations"]
        shown = {"messageId": destination["messageId"], "to": destination["to"], "status": self.status}
        return web.json_response({"bulkId": "2034072219640523072", "messages": [shown]})


@pytest.fixture
async def stand_in() -> AsyncIterator[tuple[StandIn, TestServer]]:
    made, app = StandIn(), web.Application()
    app.router.add_post("/sms/2/text/advanced", made.send)
    server = TestServer(app)
    async with server:
        yield made, server


def mapping(url: str, **secrets: str) -> ProviderMapping:
    text = MAPPING.replace("https://api.infobip.com", url)
    config = parse_providers_file(text).providers["infobip"]
    surroundings = Surroundings("0a1b2c3d4e5f", "https://herald.example.org")
    return compile_provider("infobip", config, SecretValues(SECRETS | secrets), surroundings)


async def send(server: TestServer, **secrets: str) -> Classification:
    ours = mapping(f"http://127.0.0.1:{server.port}", **secrets)
    values = ours.values_of(a_claim(), 3600)
    request = ours.render(values)
    headers = dict(line.split(": ", 1) for line in request.headers.decode().split("\r\n") if line)
    url = server.make_url(request.path.decode())
    async with aiohttp.ClientSession() as session, session.post(url, data=request.body, headers=headers) as response:
        return ours.classify(Reply("answered", response.status, await response.read()), values)


def test_it_takes_less_than_forty_lines() -> None:
    assert len(MAPPING.strip().splitlines()) < 40


async def test_a_message_is_taken(stand_in: tuple[StandIn, TestServer]) -> None:
    spoken, server = stand_in
    found = await send(server)
    assert (found.verdict, found.provider_id) == ("accepted", "0a1b2c3d4e5f-1")
    assert spoken.taken == [
        {
            "from": "MyShop",
            "destinations": [{"to": PHONE, "messageId": "0a1b2c3d4e5f-1"}],
            "text": TEXT,
            "validityPeriod": 60,
            "notifyUrl": "https://herald.example.org/receipts/infobip/a-token?m=1",
            "notifyContentType": "application/json",
        }
    ]


@pytest.mark.parametrize(("status", "verdict"), [(REJECTED, "hold"), (WRONG_NUMBER, "permanent")])
async def test_a_refusal_is_told_apart(
    stand_in: tuple[StandIn, TestServer], status: dict[str, Any], verdict: str
) -> None:
    spoken, server = stand_in
    spoken.status = status
    assert (await send(server)).verdict == verdict


async def test_a_wrong_key_is_our_fault(stand_in: tuple[StandIn, TestServer]) -> None:
    assert (await send(stand_in[1], INFOBIP_KEY="another")).verdict == "hold"


def test_its_delivery_reports_are_read() -> None:
    config = mapping("https://api.infobip.com").config.receipts
    assert config is not None
    report = {
        "messageId": "0a1b2c3d4e5f-1",
        "to": PHONE,
        "sentAt": "2026-11-27T12:00:00.000+0000",
        "doneAt": "2026-11-27T12:00:05.000+0000",
        "status": {"groupId": 2, "groupName": "UNDELIVERABLE", "name": "UNDELIVERABLE_NOT_DELIVERED"},
        "error": {"groupId": 1, "groupName": "HANDSET_ERRORS", "name": "EC_ABSENT_SUBSCRIBER"},
    }
    assert read_receipts(config, {"results": [report], "m": "1"}) == [
        Receipt(
            message_id=1,
            delivery="undelivered",
            reason="EC_ABSENT_SUBSCRIBER",
            at=datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC),
        )
    ]
