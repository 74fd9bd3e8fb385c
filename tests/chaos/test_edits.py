"""Edits, pauses, cancels and deletes at full sending rate act within 100 ms of their answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.planner.closing.rules import CLIENT_DELETED
from tests.chaos.conftest import RunExperiment
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import Rig
from tests.chaos.oracle.provider_ledger import ProviderRequest, read_requests
from tests.support.mailing_rows import add_clients

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

# I3: no request starts later than this after the API has answered.
ACTS_WITHIN = timedelta(milliseconds=100)
BETWEEN_SECONDS = 0.4
# After this time every request that was on its way has arrived.
SETTLED_SECONDS = 1.0
VICTIM_CLIENTS = 400

# Higher than in other experiments: at this rate some request is on its way at every moment.
RATE = 400
ENV = {"HERALD_DISPATCHER_CONCURRENCY": "50"}

End = Callable[[int], Awaitable[object]]


def now() -> datetime:
    return datetime.now(UTC)


async def requests_of(rig: Rig, mailing_id: int) -> list[ProviderRequest]:
    rows = await rig.pool.fetch("SELECT id FROM messages WHERE mailing_id = $1", mailing_id)
    ids = {row["id"] for row in rows}
    return [request for request in await read_requests(rig.stack.sandbox) if request.message_id in ids]


def note_lags(rig: Rig, lags: Sequence[timedelta]) -> None:
    """Notes the worst lag, and records a violation if it is too long."""
    worst = max(lags, default=timedelta(0))
    rig.notes.append(f"worst lag {worst / timedelta(milliseconds=1):.0f} ms")
    late = sum(lag > ACTS_WITHIN for lag in lags)
    if late:
        rig.violations.append(f"I3 {late} requests too late, the worst by {worst}")


def lags_behind(requests: Sequence[ProviderRequest], superseded_at: Mapping[str, datetime]) -> list[timedelta]:
    """Returns for each request with a superseded text how long after the edit it arrived."""
    return [
        request.received_at - superseded_at[request.text]
        for request in requests
        if request.text in superseded_at and request.received_at > superseded_at[request.text]
    ]


async def edit(rig: Rig) -> None:
    """Edits the text of the main mailing repeatedly."""
    superseded_at: dict[str, datetime] = {}
    text = "Hello"
    for number in range(int(rig.seconds / BETWEEN_SECONDS)):
        before, text = text, f"Hello for the {number}th time"
        await rig.operator.patch(f"/mailings/{rig.main}", {"text": text})
        superseded_at[before] = now()
        await asyncio.sleep(BETWEEN_SECONDS)
    await asyncio.sleep(SETTLED_SECONDS)
    requests = await requests_of(rig, rig.main)
    note_lags(rig, lags_behind(requests, superseded_at))
    assert len({request.text for request in requests}) > len(superseded_at) / 2, (
        "most edits were made before or after sending"
    )


async def pause(rig: Rig) -> None:
    """Pauses and resumes the main mailing repeatedly."""
    pauses: list[tuple[datetime, datetime]] = []
    for _ in range(int(rig.seconds / BETWEEN_SECONDS / 2)):
        await rig.operator.post(f"/mailings/{rig.main}/pause")
        paused_at = now()
        await asyncio.sleep(BETWEEN_SECONDS)
        pauses.append((paused_at, now()))
        await rig.operator.post(f"/mailings/{rig.main}/resume")
        await asyncio.sleep(BETWEEN_SECONDS)
    requests = await requests_of(rig, rig.main)
    note_lags(
        rig, [r.received_at - begun for begun, ended in pauses for r in requests if begun < r.received_at < ended]
    )


async def victim(rig: Rig) -> int:
    """Creates a mailing, waits until it is being sent, and returns its id."""
    mailing_id = await rig.operator.create_mailing(filter={"tags": ["victim"]}, lasts=3600)
    await rig.operator.until_counts_begin(mailing_id)
    return mailing_id


async def cancel(rig: Rig) -> None:
    await _end_victims(rig, lambda mailing_id: rig.operator.post(f"/mailings/{mailing_id}/cancel"))


async def delete(rig: Rig) -> None:
    await _end_victims(rig, lambda mailing_id: rig.operator.delete(f"/mailings/{mailing_id}"))


async def _end_victims(rig: Rig, end: End) -> None:
    await add_clients(rig.pool, VICTIM_CLIENTS, tag="victim", first=3_000_000)
    ended_at: dict[int, datetime] = {}
    for _ in range(int(rig.seconds / 2)):
        mailing_id = await victim(rig)
        await end(mailing_id)
        ended_at[mailing_id] = now()
    await asyncio.sleep(SETTLED_SECONDS)
    late = [
        request.received_at - moment
        for mailing_id, moment in ended_at.items()
        for request in await requests_of(rig, mailing_id)
        if request.received_at > moment
    ]
    note_lags(rig, late)


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
            await rig.operator.delete(f"/clients/{row['client_id']}")
            deleted_at[row["message_id"]] = now()
    await asyncio.sleep(SETTLED_SECONDS)
    requests = await requests_of(rig, rig.main)
    after = ((request.received_at, deleted_at.get(request.message_id)) for request in requests)
    note_lags(rig, [received - deleted for received, deleted in after if deleted is not None and received > deleted])
    rig.notes.append(f"{len(deleted_at)} clients deleted")


EXPERIMENTS: Sequence[Experiment] = (
    Experiment("text edited at full rate", edit, env=ENV, rate=RATE),
    Experiment("mailing paused and resumed", pause, env=ENV, rate=RATE),
    Experiment("mailings cancelled", cancel, env=ENV, rate=RATE),
    Experiment("mailings deleted", delete, env=ENV, rate=RATE),
    Experiment("clients deleted", delete_clients, env=ENV, rate=RATE, excuse=CLIENT_DELETED),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_what_an_operator_changes_acts_at_once(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
