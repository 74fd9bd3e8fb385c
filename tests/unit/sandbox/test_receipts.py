"""The sandbox's receipts are those that the presets read, with the faults that are set."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from services.api.receipts.reading import read_receipts
from services.sandbox.dialects import DIALECTS
from services.sandbox.dialects.dialect import DialectSend
from services.sandbox.faults import Faults
from services.sandbox.receipts import STRANGER, ReceiptSender
from shared.providers.presets import read_preset
from shared.providers.schema import ReceiptsConfig

NOW = datetime(2026, 11, 27, 9, 0, 5, tzinfo=UTC)
SEND = DialectSend(79991234567, "Hello", 17)
URL = "http://127.0.0.1:1/receipts/smsc/token"


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("name", [name for name, dialect in DIALECTS.items() if dialect.receipt is not None])
def test_a_preset_reads_the_receipts_of_its_dialect(name: str, delivered: bool) -> None:
    config = ReceiptsConfig.model_validate(read_preset(name)["receipts"])
    make = DIALECTS[name].receipt
    assert make is not None
    # The query brings our id where the address came with the send.
    (receipt,) = read_receipts(config, {"m": "17", **make(SEND, delivered, NOW)})
    assert receipt.delivery == ("delivered" if delivered else "undelivered")
    assert receipt.message_id == 17 or receipt.provider_id is not None
    assert receipt.at in (None, NOW)


class Reply:
    def __init__(self, status: int) -> None:
        self.status = status

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class Session:
    """A session that remembers what was posted. The first `refused` posts are answered with 503."""

    def __init__(self, refused: int = 0) -> None:
        self.posted: list[Mapping[str, str]] = []
        self._refused = refused

    def post(self, _: str, *, data: Mapping[str, str], **__: Any) -> Reply:
        self.posted.append(data)
        return Reply(503 if len(self.posted) <= self._refused else 200)


async def report(session: Session, **receipts: Any) -> int:
    """Reports one message, and returns how many receipts were sent before that ended."""
    faults = Faults.model_validate({"receipts": {"urls": {"smsc": URL}, "delay_ms": 1} | receipts})
    sender = ReceiptSender(session, lambda: 0.5)  # type: ignore[arg-type]
    await sender.report("smsc", DIALECTS["smsc"], SEND, faults)
    before = len(session.posted)
    await asyncio.gather(*sender._tasks)
    return before


@pytest.mark.parametrize(
    ("faults", "early", "statuses"),
    [
        ({}, 0, ["1"]),
        ({"undelivered": 1.0}, 0, ["20"]),
        ({"early": 1.0}, 1, ["1"]),
        ({"doubled": 1.0, "early": 1.0}, 1, ["1", "1"]),
        ({"lost": 1.0}, 0, []),
        ({"urls": {}}, 0, []),
    ],
)
async def test_receipts_have_the_faults_that_are_set(faults: dict[str, Any], early: int, statuses: list[str]) -> None:
    session = Session()
    assert await report(session, **faults) == early
    assert [fields["status"] for fields in session.posted] == statuses


async def test_a_receipt_may_name_a_message_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(refused=1)
    monkeypatch.setattr("services.sandbox.receipts.AGAIN_SECONDS", 0.0)
    await report(session, unknown=1.0)
    # What is not taken is sent again.
    assert [fields["id"] for fields in session.posted] == [str(STRANGER)] * 2
