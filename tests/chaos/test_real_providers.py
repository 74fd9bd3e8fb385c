"""Two providers that drop no second request: nothing is sent twice, failover is by proof, receipts settle the rest."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
import yaml

from tests.chaos.conftest import RunExperiment
from tests.chaos.faults.processes import kill_and_start
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import LATENCY_MS, PIPELINE, RECEIPTS_TOKEN, InjectFault, Requirement, Rig
from tests.chaos.oracle.provider_ledger import count_acceptances, read_requests
from tests.chaos.test_broker import signalled as broker_signalled
from tests.chaos.test_database import signalled as database_signalled
from tests.support.polling import until

SETTLED_SECONDS = 90
# A claim falls stale, and a receipt waits for its result, before what was in flight is settled.
pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS + SETTLED_SECONDS)

FILE = frozenset({Requirement.PROVIDERS_FILE})
# After a kill the slots of the dead dispatcher are missing for fourteen seconds.
KILL_SECONDS = 18
BEFORE_SECONDS = 3
# Of hundreds of messages, as many may be tried at a provider that has fallen silent.
MOST_UNKNOWN = 100
# In one delivery, what receipts can do wrong.
BAD_RECEIPTS = {"early": 0.3, "doubled": 0.3, "undelivered": 0.2, "delay_ms": 200}


async def send_receipts(rig: Rig, faults: Mapping[str, float], latency_ms: int = LATENCY_MS) -> None:
    """Has the sandbox send receipts of both providers."""
    urls = {name: f"{rig.stack.api_url}/receipts/{name}/{RECEIPTS_TOKEN}" for name in ("smsc", "vonage")}
    await rig.operator.set_faults(latency_ms=latency_ms, receipts={"urls": urls, **faults})


def killed(name: str) -> InjectFault:
    """Kills a process in mid-mailing and starts it, twice, while receipts come."""

    async def inject(rig: Rig) -> None:
        await send_receipts(rig, {}, latency_ms=300)
        # What was taken before gets none.
        await asyncio.sleep(BEFORE_SECONDS)
        for _ in range(int(rig.seconds / KILL_SECONDS)):
            await kill_and_start(rig, name)
            await asyncio.sleep(KILL_SECONDS)
        await send_receipts(rig, {})

    return inject


async def until_proved(rig: Rig) -> None:
    """Waits until receipts have made sent all that the providers took, also what was in flight at a kill."""
    accepted = list(count_acceptances(await read_requests(rig.stack.sandbox)))
    left = "SELECT count(*) FROM messages WHERE id = ANY ($1::bigint[]) AND status <> 'sent'"

    async def proved() -> bool:
        return bool(await rig.pool.fetchval(left, accepted) == 0)

    try:
        await until(proved, SETTLED_SECONDS, "receipts have proved what was taken")
    except AssertionError:
        rig.violations.append(f"{await rig.pool.fetchval(left, accepted)} taken, and not sent by their receipts")


async def fail_over(rig: Rig) -> None:
    """Refuses the connections to one provider: the other gets its messages."""
    began = datetime.now(UTC)
    await rig.relay.cut()
    await asyncio.sleep(rig.seconds)
    if not await sent_through(rig, "vonage", began):
        rig.violations.append("nothing was sent through the other provider")
    await rig.relay.mend()


async def fall_silent(rig: Rig) -> None:
    """One provider takes connections and answers nothing, for minutes. What it may have is not tried elsewhere."""
    began = datetime.now(UTC)
    rig.relay.stall()
    await asyncio.sleep(rig.seconds)
    passed = await sent_through(rig, "vonage", began)
    # What was held back must not arrive after the end of its mailing.
    rig.relay.drop()
    rig.relay.resume()
    unknown = await rig.pool.fetchval("SELECT count(*) FROM messages WHERE reason LIKE 'outcome unknown%'")
    rig.notes.append(f"{unknown} outcomes unknown while {passed} were sent")
    if unknown > MOST_UNKNOWN or passed < unknown:
        rig.violations.append(f"{unknown} outcomes unknown, {passed} sent meanwhile")


async def drain(rig: Rig) -> None:
    """Drains one provider under load: no request to it begins once that is answered."""
    await rig.operator.post("/providers/smsc/drain")
    drained = datetime.now(UTC)
    await asyncio.sleep(rig.seconds)
    if begun := await sent_through(rig, "smsc", drained):
        rig.violations.append(f"{begun} requests began at a drained provider")
    await rig.operator.post("/providers/smsc/resume")


async def sent_through(rig: Rig, provider: str, since: datetime) -> int:
    """Counts the requests to a provider that began after a moment, as far as they are folded."""
    found: int = await rig.pool.fetchval(
        """
        SELECT count(*) FROM (
            SELECT provider, started_at FROM messages UNION ALL SELECT provider, started_at FROM attempts
        ) AS every WHERE provider = $1 AND started_at > $2
        """,
        provider,
        since,
    )
    return found


async def remove(rig: Rig) -> None:
    """Takes one provider out of the file while its claims are open, and puts it back."""
    file = rig.services.providers_file
    before = file.read_text()
    left = yaml.safe_load(before)
    del left["providers"]["vonage"]
    await rig.operator.set_faults(latency_ms=1000)
    await asyncio.sleep(1)
    file.write_text(yaml.safe_dump(left))
    await rig.operator.post("/providers/reload", status=202)
    await asyncio.sleep(rig.seconds)
    file.write_text(before)
    await rig.operator.post("/providers/reload", status=202)
    await rig.operator.set_faults(latency_ms=LATENCY_MS)


class ReceiptsGoWrong:
    """Receipts before results, doubled, and of unknown messages, also while a service restarts.

    What is sent after that gets its receipt, and the counts of deliveries equal their rows.
    """

    def __init__(self, outage: InjectFault | None = None) -> None:
        self._outage = outage
        self._since = datetime.max.replace(tzinfo=UTC)

    async def inject(self, rig: Rig) -> None:
        await send_receipts(rig, {**BAD_RECEIPTS, "unknown": 0.1})
        if self._outage is not None:
            await self._outage(rig)
        await asyncio.sleep(rig.seconds)
        await send_receipts(rig, BAD_RECEIPTS)
        await asyncio.sleep(1)
        self._since = datetime.now(UTC)

    async def check(self, rig: Rig) -> None:
        query = """
            SELECT count(*) FROM messages m WHERE m.status = 'sent' AND m.started_at > $1
                AND NOT EXISTS (SELECT FROM deliveries d WHERE d.message_id = m.id AND d.delivery <> 'waiting')
        """

        async def all_have() -> bool:
            return bool(await rig.pool.fetchval(query, self._since) == 0)

        try:
            await until(all_have, SETTLED_SECONDS, "every message has its receipt")
        except AssertionError:
            rig.violations.append(f"{await rig.pool.fetchval(query, self._since)} without their receipt")
        counted = await rig.pool.fetchval("SELECT count(*) FROM deliveries")
        rig.notes.append(f"{counted} receipts folded")


def receipts_go_wrong(fault: str, outage: InjectFault | None = None, *more: Requirement) -> Experiment:
    row = ReceiptsGoWrong(outage)
    away = outage is not None
    return Experiment(
        fault,
        row.inject,
        requires=FILE | frozenset(more),
        seconds=6,
        api_stays_up=not away,
        closes_in_time=not away,
        excuse="outcome unknown",
        once=True,
        check=row.check,
    )


KILLS = tuple(
    Experiment(
        f"SIGKILL of {name}, no second request dropped",
        killed(name),
        seconds=2 * KILL_SECONDS + BEFORE_SECONDS,
        requires=FILE,
        api_stays_up=name != "api",
        excuse="outcome unknown",
        once=True,
        # While the API is away, the sandbox gives receipts up after five tries.
        check=None if name == "api" else until_proved,
    )
    for name in (*PIPELINE, "api")
)


def row(fault: str, inject: InjectFault, seconds: float) -> Experiment:
    return Experiment(fault, inject, seconds=seconds, requires=FILE, excuse="outcome unknown", once=True)


EXPERIMENTS: Sequence[Experiment] = (
    *KILLS,
    row("one of two providers refuses connections", fail_over, 15),
    row("one of two providers silent for two minutes", fall_silent, 120),
    row("one of two providers drained under load", drain, 10),
    row("a provider leaves the file with open claims", remove, 10),
    receipts_go_wrong("receipts early, doubled and of nobody"),
    receipts_go_wrong("receipts, PostgreSQL killed", database_signalled(signal.SIGKILL), Requirement.PRIVATE_DATABASE),
    receipts_go_wrong("receipts, RabbitMQ killed", broker_signalled(signal.SIGKILL), Requirement.PRIVATE_BROKER),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_providers_in_trouble(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
