"""A receipt is read from whatever a provider sends, as its preset or its file says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.api.receipts.reading import ROOT, UnreadableReceipt, read_receipts
from shared.messages import Receipt
from shared.providers.presets import read_preset
from shared.providers.schema import ReceiptsConfig


def of_preset(name: str) -> ReceiptsConfig:
    return ReceiptsConfig.model_validate(read_preset(name)["receipts"])


def a_config(**over: Any) -> ReceiptsConfig:
    usual = {"message_id": "m", "status": "state", "map": {"DELIVRD": "delivered", "UNDELIV": "undelivered"}}
    return ReceiptsConfig.model_validate(usual | over)


@pytest.mark.parametrize(
    ("preset", "fields", "receipts"),
    [
        # SMSC: the moment is of Moscow, and err says why.
        (
            "smsc",
            {"id": "17", "status": "20", "err": "6", "time": "27.11.2026 12:00:05"},
            [
                Receipt(
                    message_id=17, delivery="undelivered", reason="6", at=datetime(2026, 11, 27, 9, 0, 5, tzinfo=UTC)
                )
            ],
        ),
        # SMS.ru: several receipts of four lines in numbered fields; what is no receipt is left out.
        (
            "smsru",
            {
                "data[0]": "sms_status\n000000-10000000\n103\n1795000000",
                "data[1]": "sms_status\n000000-10000001\n104\n1795000001",
                "data[2]": "callcheck_status\n201737-542\n401\n1795000002",
                "hash": "00ff",
            },
            [
                Receipt(
                    provider_id="000000-10000000",
                    delivery="delivered",
                    at=datetime.fromtimestamp(1795000000, UTC),
                ),
                Receipt(
                    provider_id="000000-10000001",
                    delivery="undelivered",
                    reason="",
                    at=datetime.fromtimestamp(1795000001, UTC),
                ),
            ],
        ),
        # Twilio: the query has our id, the form its own.
        (
            "twilio",
            {"m": "5", "MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"},
            [Receipt(message_id=5, provider_id="SM1", delivery="undelivered", reason="30003")],
        ),
        ("twilio", {"m": "5", "MessageStatus": "sent"}, [Receipt(message_id=5, delivery="waiting")]),
        # Vonage: the moment is UTC.
        (
            "vonage",
            {"client-ref": "9", "status": "delivered", "err-code": "0", "message-timestamp": "2026-11-27 12:00:05"},
            [Receipt(message_id=9, delivery="delivered", at=datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC))],
        ),
        (
            "jasmin",
            {"m": "9", "id": "abc", "message_status": "UNDELIV", "err": "011"},
            [Receipt(message_id=9, provider_id="abc", delivery="undelivered", reason="011")],
        ),
    ],
)
def test_a_receipt_of_a_preset_is_read(preset: str, fields: dict[str, str], receipts: list[Receipt]) -> None:
    assert read_receipts(of_preset(preset), fields) == receipts


def test_a_list_of_json_is_as_many_receipts_and_paths_go_into_them() -> None:
    config = a_config(items="results", message_id="callback", status="status.group", reason="error.name")
    items = [
        {"callback": "1", "status": {"group": "DELIVRD"}},
        {"callback": "2", "status": {"group": "UNDELIV"}, "error": {"name": "EC_ABSENT\n79991234567" + "x" * 200}},
    ]
    first, second = read_receipts(config, {"results": items})
    assert first == Receipt(message_id=1, delivery="delivered")
    assert second.reason.startswith("EC_ABSENT ")
    assert len(second.reason) == 100


def test_the_root_may_be_a_list() -> None:
    assert read_receipts(a_config(), {ROOT: [{"m": 3, "state": "DELIVRD"}]}) == [
        Receipt(message_id=3, delivery="delivered")
    ]


def test_a_message_key_names_our_message() -> None:
    (receipt,) = read_receipts(a_config(), {"m": "0a1b2c3d4e5f-77", "state": "DELIVRD"})
    assert receipt.message_id == 77


def test_a_status_that_the_map_does_not_know_is_waiting() -> None:
    assert read_receipts(a_config(), {"m": "1", "state": "ENROUTE"})[0].delivery == "waiting"


@pytest.mark.parametrize("fields", [{"m": "1", "state": "STOP"}, {"m": "1", "state": "UNDELIV", "err": "1042"}])
def test_a_recipient_opts_out_by_a_status_or_a_reason(fields: dict[str, str]) -> None:
    config = a_config(opt_out=["STOP", 1042], reason="err")
    assert read_receipts(config, fields)[0].opt_out


@pytest.mark.parametrize(
    ("config", "fields", "detail"),
    [
        ({}, {"m": "1"}, "no state"),
        ({}, {"state": "DELIVRD"}, "no id in m"),
        ({}, {"state": "DELIVRD", "m": "0"}, "no id in m"),
        ({}, {"state": "DELIVRD", "m": "9" * 25}, "no id in m"),
        ({"provider_id": "id"}, {"state": "DELIVRD", "m": "x", "id": {"a": 1}}, "no id in m or id"),
        ({"items": "data"}, {"state": "DELIVRD"}, "no data"),
        ({"items": "data"}, {"data": [7]}, "data holds something else than receipts"),
    ],
)
def test_what_is_no_receipt_is_named_without_its_values(
    config: dict[str, Any], fields: dict[str, Any], detail: str
) -> None:
    with pytest.raises(UnreadableReceipt, match=f"^{detail}$"):
        read_receipts(a_config(**config), fields)


@pytest.mark.parametrize("at", ["", "soon", "99999999999999999999", "0001-01-01T00:00:00", "nan", "inf"])
@pytest.mark.parametrize("kind", ["iso", "unix", "unix_ms", "%d.%m.%Y"])
def test_a_moment_that_cannot_be_read_is_none(at: str, kind: str) -> None:
    config = a_config(at={"path": "at", "format": kind, "timezone": "Europe/Moscow"})
    receipt = read_receipts(config, {"m": "1", "state": "DELIVRD", "at": at})[0]
    assert receipt.at is None or receipt.at.year < 10
