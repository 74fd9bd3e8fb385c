"""Messages survive a provider that fails, hangs, answers garbage, limits the rate or refuses connections."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from services.planner.closing.rules import OUTCOME_UNKNOWN
from tests.chaos.conftest import RunExperiment
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import LATENCY_MS, InjectFault, Requirement, Rig
from tests.chaos.oracle.provider_ledger import count_acceptances, read_requests

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

ON, OFF = {"ok": 1.0}, {"error500": 1.0}
FLAP_SECONDS = 2
SLOW_MS = 4000
# Of the rate of requests, while half of the replies are failures.
LEAST_OF_HALF = 0.4


def faults(modes: dict[str, float] | None = None, **more: Any) -> InjectFault:
    """Makes the sandbox answer with faults for the seconds of the experiment."""

    async def inject(rig: Rig) -> None:
        await rig.operator.set_faults(latency_ms=LATENCY_MS, modes=modes or ON, **more)
        await asyncio.sleep(rig.seconds)
        await heal(rig)

    return inject


async def heal(rig: Rig) -> None:
    await rig.operator.set_faults(latency_ms=LATENCY_MS)


async def slow_down(rig: Rig) -> None:
    """Answers late, but within the timeout: requests are open when the end of a mailing comes."""
    await rig.operator.set_faults(latency_ms=SLOW_MS)
    await asyncio.sleep(rig.seconds)
    await heal(rig)


async def flap(rig: Rig) -> None:
    """Fails and recovers in turns of two seconds."""
    for _ in range(int(rig.seconds / FLAP_SECONDS / 2)):
        for modes in (OFF, ON):
            await rig.operator.set_faults(latency_ms=LATENCY_MS, modes=modes)
            await asyncio.sleep(FLAP_SECONDS)
    await heal(rig)


async def fail_half(rig: Rig) -> None:
    """Fails every second request: at least two fifths of the plain rate of requests are made all the same."""
    await rig.operator.set_faults(latency_ms=LATENCY_MS, error_rate=0.5)
    before = len(await read_requests(rig.stack.sandbox))
    await asyncio.sleep(rig.seconds)
    rate = (len(await read_requests(rig.stack.sandbox)) - before) / rig.seconds
    rig.notes.append(f"{rate:.0f} requests/s meanwhile")
    if rate < LEAST_OF_HALF * rig.rate:
        rig.violations.append(f"I8 {rate:.0f} requests/s to a provider of which half the replies fail")
    await heal(rig)


def too_many(*headers: int | str, plain: bool = False) -> InjectFault:
    """Answers 429 with each Retry-After in turn; `plain` ones are neither numbers of seconds nor dates."""

    async def inject(rig: Rig) -> None:
        for header in headers:
            field = {"retry_after_text": header} if plain else {"retry_after": header}
            await rig.operator.set_faults(latency_ms=LATENCY_MS, modes={"too_many": 1.0}, **field)
            await asyncio.sleep(rig.seconds / len(headers))
        await heal(rig)

    return inject


async def too_many_until_tomorrow(rig: Rig) -> None:
    """Answers 429 with a Retry-After beyond the end of the main mailing, which then ends soon.

    Its messages wait for its end: only closing expires them, since the end may still be moved.
    """
    await too_many(http_date(timedelta(days=1)))(rig)
    end_at = datetime.now(UTC) + timedelta(seconds=CLOSING_SECONDS)
    await rig.operator.patch(f"/mailings/{rig.main}", {"end_at": end_at.isoformat()})


def http_date(ahead: timedelta) -> str:
    return format_datetime(datetime.now(UTC).replace(microsecond=0) + ahead, usegmt=True)


async def cut_off(rig: Rig) -> None:
    """Cuts all connections to the provider. The replies to open requests are lost with them."""
    await rig.remember_held_claims()
    await rig.relay.cut()
    await rig.remember_held_claims()


async def refuse(rig: Rig) -> None:
    """Refuses connections, as if the provider were not running."""
    await cut_off(rig)
    await asyncio.sleep(rig.seconds)
    await rig.relay.mend()


async def lose_every_reply(rig: Rig) -> None:
    """Takes every message and loses every reply, for longer than the attempts of a message last."""
    await faults({"lost_reply": 1.0})(rig)
    most = max(count_acceptances(await read_requests(rig.stack.sandbox)).values())
    rig.notes.append(f"at most {most} requests of one message")
    if most > FEW_ATTEMPTS:
        rig.violations.append(f"I4 one message was accepted {most} times, with {FEW_ATTEMPTS} attempts")


async def bad_tls(rig: Rig) -> None:
    """Presents an untrusted certificate, then one of another host, then the good one again."""
    certificates = rig.certificates
    await cut_off(rig)
    for wrong in (certificates.unknown, certificates.other_host):
        await rig.relay.cut()
        await rig.relay.mend(wrong)
        await asyncio.sleep(rig.seconds / 2)
    await rig.relay.cut()
    await rig.relay.mend(certificates.good)


# Enough requests at once that some of them belong to the mailing that ends during the fault.
PATIENT = {"HERALD_PROVIDER_TIMEOUT": "10", "HERALD_DISPATCHER_CONCURRENCY": "100"}
JUNK = ("soon", "-1", "1e9", "Sun, 99 Nov 1994 08:49:37 GMT", "0x10")
DEADLINE = "deadline reached"
FEW_ATTEMPTS = 4
CLOSING_SECONDS = 50

EXPERIMENTS: Sequence[Experiment] = (
    Experiment("provider 500 for long", faults(OFF), seconds=30, blocks_sending=True),
    Experiment("provider hangs", faults({"hang": 1.0}), seconds=10),
    Experiment("provider is slow", slow_down, seconds=12, env=PATIENT),
    Experiment("provider drips slowly", faults({"slow_drip": 1.0}), seconds=8),
    Experiment("provider floods", faults({"huge": 1.0}), seconds=8),
    Experiment("provider talks garbage", faults({"garbage": 1.0}), seconds=6, quick=True),
    Experiment("provider breaks its chunks", faults({"bad_chunks": 1.0})),
    Experiment("provider takes messages and answers 202", faults({"queued202": 1.0})),
    Experiment("provider flaps", flap, seconds=12),
    Experiment("provider fails every second time", fail_half, seconds=12),
    Experiment("provider loses replies", faults({"ok": 0.7, "lost_reply": 0.3})),
    Experiment("provider loses every reply", faults({"lost_reply": 1.0})),
    # A probe of the breaker spends an attempt, too, since it may have arrived.
    Experiment(
        f"provider loses every reply, {FEW_ATTEMPTS} attempts",
        lose_every_reply,
        seconds=25,
        env={"HERALD_MAX_ATTEMPTS": str(FEW_ATTEMPTS)},
        excuse=OUTCOME_UNKNOWN,
    ),
    Experiment("provider refuses connections", refuse, requires=frozenset({Requirement.PROVIDER_RELAY})),
    Experiment("provider resets connections", faults({"reset": 1.0})),
    Experiment("provider 429, Retry-After 0", too_many(0)),
    Experiment("provider 429, Retry-After in the past", too_many(http_date(timedelta(days=-1)))),
    Experiment("provider 429, Retry-After junk", too_many(*JUNK, plain=True), seconds=12),
    # More than a week is not believed.
    Experiment("provider 429, Retry-After huge", too_many(1_000_000)),
    Experiment("provider 429, Retry-After without end", too_many("99999999999", "9" * 100, plain=True)),
    # The provider asks for a retry after the end of the mailing, so these messages may stay unsent.
    Experiment("provider 429, Retry-After tomorrow", too_many_until_tomorrow, excuse=DEADLINE),
    Experiment("provider 429, Retry-After in 5 s", too_many(5)),
    Experiment("provider has a bad certificate", bad_tls, requires=frozenset({Requirement.PROVIDER_TLS})),
    Experiment("provider 401", faults({"unauthorized": 1.0})),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_a_provider_in_trouble(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
