"""After an edit, a pause, a cancel or a delete was answered, no request arrives that was not on its way by then."""

import asyncio
from collections import defaultdict
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

# I3: no request begins after the API has answered. The tables have when one began, by the claim and the clock of the
# database: later than the truth by what the answer to the claim took.
CLAIM_TAKES = timedelta(milliseconds=20)
# The provider sees when a request arrives: one that was on its way at the answer arrives by then.
ARRIVES_WITHIN = timedelta(milliseconds=100)
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


# A request that arrived after the answer to what should have prevented it, and the moment of that answer.
LateRequest = tuple[ProviderRequest, datetime]


async def note_late(rig: Rig, late: Sequence[LateRequest]) -> None:
    """Notes the worst lag of an arrival, and records a violation for each request that began after the answer."""
    worst = max((request.received_at - answered for request, answered in late), default=timedelta(0))
    rig.notes.append(f"worst lag {worst / timedelta(milliseconds=1):.0f} ms")
    began = await _begun_before(rig, [request for request, _ in late])
    wrong = [
        request
        for request, answered in late
        if request.received_at > answered + ARRIVES_WITHIN
        or any(answered + CLAIM_TAKES < moment <= request.received_at for moment in began[request.message_id])
    ]
    if wrong:
        rig.violations.append(f"I3 {len(wrong)} requests began after the answer, or arrived late by up to {worst}")


async def _begun_before(rig: Rig, requests: Sequence[ProviderRequest]) -> Mapping[int, Sequence[datetime]]:
    """Returns by message id when its attempts began, as far as their results are folded."""
    rows = await rig.pool.fetch(
        """
        SELECT message_id AS id, started_at FROM attempts
        WHERE message_id = ANY ($1::bigint[]) AND started_at IS NOT NULL
        UNION ALL
        SELECT id, started_at FROM messages WHERE id = ANY ($1::bigint[]) AND started_at IS NOT NULL
        """,
        [request.message_id for request in requests],
    )
    began: dict[int, list[datetime]] = defaultdict(list)
    for row in rows:
        began[row["id"]].append(row["started_at"])
    return began


def sent_after(requests: Sequence[ProviderRequest], superseded_at: Mapping[str, datetime]) -> list[LateRequest]:
    """Returns the requests with a superseded text that arrived after the answer to its edit."""
    return [
        (request, superseded_at[request.text])
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
    await note_late(rig, sent_after(requests, superseded_at))
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
    await note_late(
        rig, [(one, paused) for paused, resumed in pauses for one in requests if paused < one.received_at < resumed]
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
        (request, moment)
        for mailing_id, moment in ended_at.items()
        for request in await requests_of(rig, mailing_id)
        if request.received_at > moment
    ]
    await note_late(rig, late)


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
    answered = ((request, deleted_at.get(request.message_id)) for request in requests)
    late = [(request, moment) for request, moment in answered if moment is not None and request.received_at > moment]
    await note_late(rig, late)
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
