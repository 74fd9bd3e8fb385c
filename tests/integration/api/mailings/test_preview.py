"""POST /mailings/preview."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.api.mailings.audience.preview_store import MAX_TAGS
from shared.window import Window
from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now


def a_mailing(**fields: Any) -> dict[str, Any]:
    return {"text": "Hello", "end_at": from_now(hours=1), "filter": {}, **fields}


async def preview(api: Api, **fields: Any) -> dict[str, Any]:
    answered = await api.post("/mailings/preview", a_mailing(**fields))
    assert answered.status == 200, answered.body
    body: dict[str, Any] = answered.body
    return body


async def test_without_clients_a_preview_counts_nobody(api: Api) -> None:
    assert await preview(api) == {
        "recipients": 0,
        "opted_out": 0,
        "reachable": 0,
        "unreachable": 0,
        "by_operator_code": {},
        "by_tag": {},
        "sample": [],
        "sms_segments": 1,
        "window": None,
        "never_reachable": [],
        "personal": None,
    }


async def some_clients(rows: Rows) -> None:
    for number, values in enumerate(
        (
            {"operator_code": "901", "tag": "vip"},
            {"operator_code": "901", "tag": ""},
            {"operator_code": "902", "tag": "vip"},
            {"operator_code": "902", "tag": "old"},
            {"operator_code": "902", "tag": "vip"},
            {"operator_code": "903", "tag": "vip"},
        )
    ):
        await rows.client(f"7900000000{number}", **values)


async def test_a_preview_counts_by_operator_code_and_by_tag(api: Api, rows: Rows) -> None:
    await some_clients(rows)
    body = await preview(api)
    assert body["recipients"] == body["reachable"] == 6
    assert list(body["by_operator_code"].items()) == [("902", 3), ("901", 2), ("903", 1)]
    assert list(body["by_tag"].items()) == [("vip", 4), ("", 1), ("old", 1)]


@pytest.mark.parametrize(
    ("filters", "recipients"),
    [
        ({"operator_codes": ["901"]}, 2),
        ({"operator_codes": ["901", "903"]}, 3),
        ({"tags": ["vip"]}, 4),
        ({"tags": ["vip", ""]}, 5),
        ({"operator_codes": ["902"], "tags": ["vip"]}, 2),
        ({"operator_codes": [], "tags": []}, 6),
        ({"operator_codes": ["999"]}, 0),
    ],
)
async def test_a_preview_filters_as_the_mailing_would(
    api: Api, rows: Rows, filters: dict[str, list[str]], recipients: int
) -> None:
    await some_clients(rows)
    body = await preview(api, filter=filters)
    assert body["recipients"] == recipients == sum(body["by_operator_code"].values()) == sum(body["by_tag"].values())


async def test_the_sample_is_the_first_five_of_those_that_match(api: Api, rows: Rows) -> None:
    await some_clients(rows)
    body = await preview(api, filter={"operator_codes": ["902"]})
    listed = (await api.get("/clients?operator_code=902")).body["items"]
    assert body["sample"] == listed
    assert len((await preview(api))["sample"]) == 5


async def test_deleted_clients_are_not_counted(api: Api, rows: Rows) -> None:
    client = await rows.client("79000000001")
    await api.delete(f"/clients/{client}")
    assert (await preview(api))["recipients"] == 0


async def test_only_the_largest_tags_are_named(api: Api, pool: asyncpg.Pool) -> None:
    await pool.execute(
        """
        INSERT INTO clients (phone, operator_code, tag, timezone)
        SELECT (79000000000 + n)::text, '900', 'tag' || least(n, $1 + 20), 'UTC' FROM generate_series(1, $1 + 30) AS n
        """,
        MAX_TAGS,
    )
    body = await preview(api)
    assert len(body["by_tag"]) == MAX_TAGS
    assert next(iter(body["by_tag"].items())) == (f"tag{MAX_TAGS + 20}", 11)
    assert body["recipients"] - sum(body["by_tag"].values()) == 20


ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")


async def test_those_whose_window_stays_closed_cannot_be_reached(
    api: Api, rows: Rows, subtests: pytest.Subtests
) -> None:
    for number, zone in enumerate(ZONES):
        await rows.client(f"7900000000{number}", timezone=zone)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    for hour in range(0, 24, 3):
        for lasts in (timedelta(minutes=30), timedelta(hours=3), timedelta(hours=25)):
            window = Window(time(hour), time((hour + 2) % 24))
            open_zones = [zone for zone in ZONES if window.reachable(ZoneInfo(zone), start, start + lasts)]
            with subtests.test(hour=hour, lasts=lasts):
                body = await preview(
                    api,
                    start_at=start.isoformat(),
                    end_at=(start + lasts).isoformat(),
                    window={"from": f"{hour:02}:00", "to": f"{(hour + 2) % 24:02}:00"},
                )
                assert (body["reachable"], body["unreachable"]) == (len(open_zones), len(ZONES) - len(open_zones))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"end_at": from_now(hours=-1)}, "end_at"),
        ({"start_at": from_now(hours=3)}, "end_at"),
        ({"text": ""}, "text"),
        ({"windows": None}, "windows"),
    ],
)
async def test_what_cannot_be_created_cannot_be_previewed(api: Api, fields: dict[str, Any], place: str) -> None:
    refused = await api.post("/mailings/preview", a_mailing(**fields))
    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == ["body", place]


async def test_a_preview_stores_nothing_and_sends_no_hint(api: Api, pool: asyncpg.Pool) -> None:
    await preview(api, text="п" * 71)
    assert await pool.fetchval("SELECT count(*) FROM mailings") == 0
    assert api.hints.sent == []


async def test_a_preview_counts_the_short_messages_of_a_text(api: Api) -> None:
    assert (await preview(api, text="п" * 71))["sms_segments"] == 2


async def test_a_preview_counts_those_who_did_not_get_another_mailing(api: Api, rows: Rows) -> None:
    other = await rows.mailing("finished")
    clients = [await rows.client(f"7900000000{number}", tag="vip") for number in range(4)]
    for client_id, status in zip(clients, ("expired", "sent", "rejected"), strict=False):
        await rows.message(other, client_id, status)  # type: ignore[arg-type]
    found = await preview(api, filter={"unsent_of": other})
    assert (found["recipients"], [client["id"] for client in found["sample"]]) == (2, [clients[0], clients[2]])
    refused = await api.post("/mailings/preview", a_mailing(filter={"unsent_of": other + 1}))
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["body", "filter", "unsent_of"])


async def test_a_mailing_for_those_who_did_not_get_another_shows_it(api: Api, rows: Rows) -> None:
    other = await rows.mailing("finished")
    made = await api.post("/mailings", a_mailing(filter={"unsent_of": other}, start_at=from_now(seconds=1800)))
    no_tree = {"segment": None, "all": None, "any": None, "not": None}
    assert (made.status, made.body["filter"]) == (
        201,
        {"operator_codes": [], "tags": [], "unsent_of": other, **no_tree},
    )
    path = f"/mailings/{made.body['id']}"
    assert (await api.patch(path, {"filter": {"unsent_of": other + 100}})).status == 422
    assert (await api.patch(path, {"filter": {"tags": ["vip"]}})).body["filter"]["unsent_of"] is None


@pytest.mark.parametrize(
    ("text", "rendered"),
    [(r"a \{{name}}", "a {{name}}"), (r"\{{", "{{"), (r"\{{name}} {{name}}", "{{name}} Anna")],
)
async def test_a_text_that_escapes_a_placeholder_can_be_previewed(api: Api, text: str, rendered: str) -> None:
    await api.post("/clients", {"phone": "79160000001", "attributes": {"name": "Anna"}})
    found = await preview(api, text=text)
    assert found["recipients"] == 1
    assert f"'{rendered}'" in str(found["personal"])
