"""After an edit, a pause, a cancel or a delete was answered, no request begins under the terms before it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from services.planner.closing.rules import CLIENT_DELETED
from tests.chaos.conftest import RunExperiment
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.kernel_time import ask
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import Requirement, Rig
from tests.chaos.harness.witness import BegunRequest
from tests.support.mailing_rows import add_clients
from tests.support.operator import Json
from tests.support.stack import ADMIN_TOKEN

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

BETWEEN_SECONDS = 0.4
# After this time every request that was on its way has arrived.
SETTLED_SECONDS = 1.0
VICTIM_CLIENTS = 400

# Higher than in other experiments: at this rate some request is on its way at every moment.
RATE = 400
ENV = {"HERALD_DISPATCHER_CONCURRENCY": "50"}

End = Callable[[int], Awaitable[datetime]]


# A request that began after the answer to what should have prevented it, and the moment of that answer.
LateRequest = tuple[BegunRequest, datetime]


async def answered(rig: Rig, method: str, path: str, body: Json | None = None) -> datetime:
    """Asks the API for a change, and returns when the first byte of its answer arrived."""
    sent = b"" if body is None else json.dumps(body).encode()
    status, moment = await ask(rig.stack.api_url, method, f"/api/v1{path}", sent, ADMIN_TOKEN)
    assert status in (200, 204), f"{method} {path} was answered with {status}"
    return moment


async def requests_of(rig: Rig, mailing_id: int) -> list[BegunRequest]:
    rows = await rig.pool.fetch("SELECT id FROM messages WHERE mailing_id = $1", mailing_id)
    ids = {row["id"] for row in rows}
    return [request for request in rig.witness.requests if request.message_id in ids]


def judge_late(rig: Rig, answers: int, late: Sequence[LateRequest]) -> None:
    """Notes how many answers were watched, and records a violation if a single request began after one.

    Both moments are the kernel's, so there is nothing to allow for.
    """
    rig.notes.append(f"{answers} answers, {len(late)} requests begun after them")
    if late:
        worst = max(request.begun_at - moment for request, moment in late)
        rig.violations.append(f"I3 {len(late)} requests began after the answer, by up to {worst}")


def begun_after(requests: Sequence[BegunRequest], superseded_at: Mapping[str, datetime]) -> list[LateRequest]:
    """Returns the requests with a superseded text that began after the answer to its edit."""
    return [
        (request, superseded_at[request.text])
        for request in requests
        if request.text in superseded_at and request.begun_at > superseded_at[request.text]
    ]


async def edit(rig: Rig) -> None:
    """Edits the text of the main mailing repeatedly."""
    superseded_at: dict[str, datetime] = {}
    text = "Hello"
    for number in range(int(rig.seconds / BETWEEN_SECONDS)):
        before, text = text, f"Hello for the {number}th time"
        superseded_at[before] = await answered(rig, "PATCH", f"/mailings/{rig.main}", {"text": text})
        await asyncio.sleep(BETWEEN_SECONDS)
    await asyncio.sleep(SETTLED_SECONDS)
    requests = await requests_of(rig, rig.main)
    judge_late(rig, len(superseded_at), begun_after(requests, superseded_at))
    assert len({request.text for request in requests}) > len(superseded_at) / 2, (
        "most edits were made before or after sending"
    )


async def pause(rig: Rig) -> None:
    """Pauses and resumes the main mailing repeatedly."""
    pauses: list[tuple[datetime, datetime]] = []
    for _ in range(int(rig.seconds / BETWEEN_SECONDS / 2)):
        paused_at = await answered(rig, "POST", f"/mailings/{rig.main}/pause")
        await asyncio.sleep(BETWEEN_SECONDS)
        pauses.append((paused_at, datetime.now(UTC)))
        await rig.operator.post(f"/mailings/{rig.main}/resume")
        await asyncio.sleep(BETWEEN_SECONDS)
    requests = await requests_of(rig, rig.main)
    late = [(one, paused) for paused, resumed in pauses for one in requests if paused < one.begun_at < resumed]
    judge_late(rig, len(pauses), late)


async def victim(rig: Rig) -> int:
    """Creates a mailing, waits until it is being sent, and returns its id."""
    mailing_id = await rig.operator.create_mailing(filter={"tags": ["victim"]}, lasts=3600)
    await rig.operator.until_counts_begin(mailing_id)
    return mailing_id


async def cancel(rig: Rig) -> None:
    await _end_victims(rig, lambda mailing_id: answered(rig, "POST", f"/mailings/{mailing_id}/cancel"))


async def delete(rig: Rig) -> None:
    await _end_victims(rig, lambda mailing_id: answered(rig, "DELETE", f"/mailings/{mailing_id}"))


async def _end_victims(rig: Rig, end: End) -> None:
    await add_clients(rig.pool, VICTIM_CLIENTS, tag="victim", first=3_000_000)
    ended_at: dict[int, datetime] = {}
    for _ in range(int(rig.seconds / 2)):
        mailing_id = await victim(rig)
        ended_at[mailing_id] = await end(mailing_id)
    await asyncio.sleep(SETTLED_SECONDS)
    late = [
        (request, moment)
        for mailing_id, moment in ended_at.items()
        for request in await requests_of(rig, mailing_id)
        if request.begun_at > moment
    ]
    judge_late(rig, len(ended_at), late)


async def delete_clients(rig: Rig) -> None:
    """Deletes clients whose messages are in flight."""
    deleted_at: dict[int, datetime] = {}
    loop = asyncio.get_running_loop()
    end = loop.time() + rig.seconds
    while loop.time() < end:
        row = await rig.pool.fetchrow(
            """
            SELECT message_id, client_id FROM flights
            WHERE mailing_id = $1 AND claimed_number = 0 AND message_id <> ALL ($2::bigint[]) LIMIT 1
            """,
            rig.main,
            list(deleted_at),
        )
        if row is not None:
            deleted_at[row["message_id"]] = await answered(rig, "DELETE", f"/clients/{row['client_id']}")
    await asyncio.sleep(SETTLED_SECONDS)
    moments = ((request, deleted_at.get(request.message_id)) for request in await requests_of(rig, rig.main))
    late = [(request, moment) for request, moment in moments if moment is not None and request.begun_at > moment]
    judge_late(rig, len(deleted_at), late)


WITNESS = frozenset({Requirement.PROVIDER_WITNESS})
EXPERIMENTS: Sequence[Experiment] = (
    Experiment("text edited at full rate", edit, env=ENV, rate=RATE, requires=WITNESS),
    Experiment("mailing paused and resumed", pause, env=ENV, rate=RATE, requires=WITNESS),
    Experiment("mailings cancelled", cancel, env=ENV, rate=RATE, requires=WITNESS),
    Experiment("mailings deleted", delete, env=ENV, rate=RATE, requires=WITNESS),
    Experiment("clients deleted", delete_clients, env=ENV, rate=RATE, requires=WITNESS, excuse=CLIENT_DELETED),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_what_an_operator_changes_acts_at_once(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
