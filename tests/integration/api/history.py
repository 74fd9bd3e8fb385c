"""The history of a mailing or a client, as the API lists it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows, from_now

Json = dict[str, Any]


async def history(api: Api, path: str, **more: Any) -> list[Json]:
    answered = await api.get(f"{path}/events", **more)
    assert answered.status == 200, answered.body
    items: list[Json] = answered.body["items"]
    assert items == sorted(items, key=lambda item: str(item["at"]))
    return items


def kinds(items: list[Json]) -> list[str]:
    return [item["kind"] for item in items]


def a_mailing(**fields: Any) -> Json:
    return {"text": "Hello", "start_at": from_now(hours=1), "end_at": from_now(hours=2), "filter": {}, **fields}


BEGUN = datetime.now(UTC)


async def a_sent_message(rows: Rows, client: int) -> tuple[int, int]:
    mailing = await rows.mailing("running")
    message = await rows.message(
        mailing, client, "sent", attempts=1, started_at=BEGUN + timedelta(days=1), duration_ms=5, http_status=200
    )
    return mailing, message
