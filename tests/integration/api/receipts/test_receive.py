"""Receipts come in by the address that the provider was given, and are answered once the broker has them."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.api.receipts.mappings import LOOK_SECONDS, ReceiptMappings
from shared import topology
from shared.broker import Outgoing, Unpublished
from shared.messages import Receipts, decode
from shared.settings import SettingsError
from tests.integration.api.fakes import Answered, Api, MakeApi, answered

FILE = """
version: 1
providers:
  smsc:
    preset: smsc
    receipts: {token: "${SMSC_RECEIPTS}"}
  smsru:
    preset: smsru
    receipts: {token: "${SMSC_RECEIPTS}"}
  quiet: {preset: vonage}
"""
RECEIPT = {"id": "17", "status": "1", "time": "27.11.2026 12:00:05"}


class RecordingBroker:
    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.away = False

    async def publish(self, outgoing: Outgoing) -> None:
        if self.away:
            raise Unpublished("not connected")
        self.published.append(outgoing)

    @property
    def receipts(self) -> Receipts:
        (outgoing,) = self.published
        assert (outgoing.exchange, outgoing.routing_key) == (topology.RECEIPTS, topology.RECEIPT_KEY)
        return decode(Receipts, outgoing.body)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMSC_RECEIPTS", "token-of-receipts")
    made = tmp_path / "providers.yaml"
    made.write_text(FILE, encoding="utf-8")
    return made


@pytest.fixture
def broker() -> RecordingBroker:
    return RecordingBroker()


@pytest.fixture
async def api(make_api: MakeApi, broker: RecordingBroker, file: Path) -> Api:
    return await make_api(receipt_mappings=ReceiptMappings(file), receipt_publisher=broker)


async def send(api: Api, path: str = "smsc/token-of-receipts", method: str = "POST", **more: Any) -> Answered:
    async with api.client.request(method, f"/receipts/{path}", **more) as response:
        return await answered(response)


@pytest.mark.parametrize(
    ("method", "how"), [("GET", {"params": RECEIPT}), ("POST", {"data": RECEIPT}), ("POST", {"json": RECEIPT})]
)
async def test_query_form_and_json_are_one_set_of_fields(
    api: Api, broker: RecordingBroker, method: str, how: dict[str, Any]
) -> None:
    assert (await send(api, method=method, **how)).status == 200
    (receipt,) = broker.receipts.receipts
    assert (broker.receipts.provider, receipt.message_id, receipt.delivery) == ("smsc", 17, "delivered")
    assert api.metrics.receipts.labels("smsc")._value.get() == 1


async def test_a_provider_gets_the_answer_it_wants(api: Api, broker: RecordingBroker) -> None:
    lines = {"data[0]": "sms_status\n000000-1\n103\n1795000000", "data[1]": "callcheck_status\n1\n401\n1795000000"}
    answer = await send(api, "smsru/token-of-receipts", data=lines)
    assert (answer.status, answer.body) == (200, "100")
    assert len(broker.receipts.receipts) == 1


@pytest.mark.parametrize("path", ["smsc/wrong", "quiet/token-of-receipts", "nobody/token-of-receipts", "smsc/"])
async def test_without_its_token_there_is_nothing(api: Api, broker: RecordingBroker, path: str) -> None:
    assert (await send(api, path, data=RECEIPT)).status == 404
    assert broker.published == []


@pytest.mark.parametrize(
    "how", [{"data": {"id": "17"}}, {"data": b"{", "headers": {"Content-Type": "application/json"}}, {"json": 7}]
)
async def test_what_is_no_receipt_is_a_problem_and_named_in_the_log(api: Api, how: dict[str, Any]) -> None:
    with capture_logs() as lines:
        answer = await send(api, **how)
    assert (answer.status, answer.body["code"]) == (422, "receipt-unreadable")
    assert [line["provider"] for line in lines if line["event"] == "receipt unreadable"] == ["smsc"]


async def test_the_provider_is_to_try_again_while_the_broker_is_away(api: Api, broker: RecordingBroker) -> None:
    broker.away = True
    answer = await send(api, data=RECEIPT)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_neither_token_nor_values_reach_the_log(api: Api) -> None:
    with capture_logs() as lines:
        await send(api, data=RECEIPT | {"phone": "79991234567"})
    assert "token-of-receipts" not in str(lines)
    assert "79991234567" not in str(lines)
    (received,) = [line for line in lines if line["event"] == "receipts received"]
    assert received["message_ids"] == [17]


async def test_a_changed_file_is_taken_and_a_wrong_one_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mappings = ReceiptMappings(file)
    later = iter([2 * LOOK_SECONDS * step + 1e6 for step in range(9)])
    monkeypatch.setattr("services.api.receipts.mappings.monotonic", lambda: next(later))
    file.write_text(FILE.replace("smsc:", "other:", 1), encoding="utf-8")
    assert set(mappings.providers) == {"other", "smsru"}
    file.write_text("version: 1\nproviders: {}\n", encoding="utf-8")
    with capture_logs() as lines:
        assert set(mappings.providers) == {"other", "smsru"}
    assert [line["event"] for line in lines] == ["providers file refused"]


def test_a_missing_token_is_named_at_the_start(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMSC_RECEIPTS")
    with pytest.raises(SettingsError, match=r"^providers.smsc.receipts.token: the environment has no SMSC_RECEIPTS"):
        ReceiptMappings(file)
