"""Every example of a request in the document is answered as the document says, as it is printed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest

from services.api.dead_letters.queues import DeadQueues
from services.api.openapi.document import build
from services.api.routes import ROUTES
from services.api.stop_list.keys import StopListKey
from services.api.web.route import PREFIX
from shared import topology
from shared.broker import Outgoing, Publisher
from shared.health import Health
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.integration.api.fakes import Answered, Api, MakeApi
from tests.integration.api.rows import Rows

DOCUMENT = build(ROUTES)
# In which state a mailing must be for an operation to succeed; in any, where it is not here.
STATES = {
    "startMailing": "draft",
    "setRecipients": "draft",
    "pauseMailing": "running",
    "resumeMailing": "paused",
    "cancelMailing": "running",
    "resendMessages": "finished",
    "streamStatistics": "finished",
}
STOP_LIST_KEY = StopListKey("herald-first-try")


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as the document shows it. `media` and `body` are None where there is no body."""

    method: str
    path: str
    operation: Any
    media: str | None = None
    body: Any = None

    @property
    def query(self) -> dict[str, str]:
        asked = [found for found in self.operation.get("parameters", []) if found["in"] == "query"]
        return {found["name"]: json.dumps(found["example"]) for found in asked if "example" in found}

    @property
    def success(self) -> tuple[int, Any]:
        status = next(status for status in self.operation["responses"] if status.startswith("2"))
        return int(status), self.operation["responses"][status]


def shown(*, broker: bool) -> Iterator[Any]:
    """The requests of all operations that ask the broker, or of all others."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if ("dead-letters" in operation["tags"]) != broker:
                continue
            contents = operation.get("requestBody", {}).get("content", {})
            if not contents:
                yield pytest.param(Shown(method, path, operation), id=operation["operationId"])
            for media, content in contents.items():
                for name, example in content["examples"].items():
                    one = Shown(method, path, operation, media, example["value"])
                    yield pytest.param(one, id=f"{operation['operationId']}-{media.rpartition('/')[2]}-{name}")


async def ids(rows: Rows, operation_id: str) -> dict[str, int | str]:
    """Makes one of everything, under ids that are not those of the examples."""
    client = await rows.client("79990000001")
    mailing = await rows.mailing(STATES.get(operation_id, "scheduled"), pending=1)
    message = await rows.message(mailing, client)
    await rows.pool.execute("UPDATE clients SET external_id = 'K-1' WHERE id = $1", client)
    tree = '{"all": [{"field": "tag", "op": "exists"}]}'
    segment = await rows.pool.fetchval("INSERT INTO segments (name, filter) VALUES ('S', $1) RETURNING id", tree)
    suppression = await rows.pool.fetchval(
        "INSERT INTO suppressions (phone_hash, key_check, source, added_by) VALUES ($1, $2, 'api', 'ops') RETURNING id",
        STOP_LIST_KEY.hash("79990000009"),
        STOP_LIST_KEY.check,
    )
    await rows.pool.execute("INSERT INTO provider_states (provider, drained_at) VALUES ('smsc', now())")
    session = await rows.pool.fetchval(
        "INSERT INTO sessions (hash, subject, name, role, expires_at)"
        " VALUES (sha256('x'), '7', 'oidc:7', 'viewer', now() + interval '1 h') RETURNING id"
    )
    await rows.token("old", "viewer")
    return {
        "client_id": client,
        "mailing_id": mailing,
        "message_id": message,
        "external_id": "K-1",
        "segment_id": segment,
        "suppression_id": suppression,
        "provider": "smsc",
        "session_id": session,
        "token_id": await rows.pool.fetchval("SELECT id FROM tokens"),
        "test_send_id": await rows.test_send("79990000002"),
    }


@pytest.mark.parametrize("one", list(shown(broker=False)))
async def test_an_example_runs_as_printed(make_api: MakeApi, rows: Rows, one: Shown) -> None:
    await check(await make_api(stop_list_key=STOP_LIST_KEY), rows, one)


@pytest.mark.parametrize("one", list(shown(broker=True)))
async def test_an_example_that_asks_the_broker_runs_as_printed(
    make_api: MakeApi, rows: Rows, broker_url: str, one: Shown
) -> None:
    table = topology.build(DEFAULT_RETRY_DELAYS)
    async with Publisher(broker_url, "test", Health(), table) as publisher:
        await publisher.publish(Outgoing(topology.MAILINGS, "mailing.test", b"{}"))
        api = await make_api(dead_queues=DeadQueues(broker_url, publisher), stop_list_key=STOP_LIST_KEY)
        await check(api, rows, one)


async def check(api: Api, rows: Rows, one: Shown) -> None:
    path = one.path.format_map(await ids(rows, one.operation["operationId"]))
    answered = await send(api, one, path)
    status, reply = one.success
    assert answered.status == status, answered.body
    for name in reply["headers"]:
        assert name in answered.headers or not DOCUMENT["components"]["headers"][name]["required"], name
    content = reply.get("content", {}).get(answered.headers.get("Content-Type", "").partition(";")[0])
    assert content is not None or status == 204
    if content is not None:
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        assert list(jsonschema_rs.iter_errors(schema, answered.body)) == []


async def send(api: Api, one: Shown, path: str) -> Answered:
    headers = {} if one.media is None else {"Content-Type": one.media}
    data = None if one.body is None else one.body if isinstance(one.body, str) else json.dumps(one.body)
    if path.startswith(PREFIX):
        return await api.call(one.method, path.removeprefix(PREFIX), data=data, headers=headers, params=one.query)
    async with api.client.get(path) as response:
        body = await response.json() if response.content_type == "application/json" else await response.text()
        return Answered(response.status, body, dict(response.headers))


async def test_the_examples_of_the_cursor_and_the_import_report_are_true(api: Api) -> None:
    columns = "phone,operator_code,tag,timezone\n79161234567,916,vip,Europe/Moscow\n79031234568,,,\n891,,,\n"
    reported = await api.upload(columns.encode())
    paths = DOCUMENT["paths"]
    example = paths[f"{PREFIX}/clients/import"]["post"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert reported.body == example["shown"]["value"]
    page = await api.get("/clients?limit=1")
    listed = paths[f"{PREFIX}/clients"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert listed["shown"]["value"]["next"] == page.body["next"]
