"""Messages survive a PostgreSQL that is restarted, read-only, slow or silent."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import time

import asyncpg
import pytest

from cli.native import postgres
from tests.chaos.conftest import RunExperiment
from tests.chaos.faults.network import (
    DATABASE_AWAY,
    FAR,
    PATIENT,
    cut,
    far,
    reset,
    reset_beside_open_requests,
    slow,
    stall,
)
from tests.chaos.harness.experiment import Experiment
from tests.chaos.harness.parameters import EXPERIMENT_SECONDS, parameters
from tests.chaos.harness.rig import InjectFault, Requirement, Rig
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.polling import until
from tests.support.services.run import is_alive

pytestmark = pytest.mark.timeout(EXPERIMENT_SECONDS)

PRIVATE = frozenset({Requirement.PRIVATE_DATABASE})
RELAYED = frozenset({Requirement.DATABASE_RELAY})
STATEMENTS = frozenset({Requirement.STATEMENT_RELAY})
BACK_SECONDS = 60
# Of all statements; of those of every kind, as there are hundreds a second.
LOST_SHARE, DELAYED_SECONDS = 0.03, 3.0
# A window makes time zones matter; this one is closed for a moment of the day at most.
ALL_DAY = (time(0, 0), time(23, 59, 59))


def signalled(number: signal.Signals) -> InjectFault:
    """Ends the server with a signal; its supervisor starts it again."""

    async def inject(rig: Rig) -> None:
        pid = postmaster(rig)
        os.kill(pid, number)

        async def ended() -> bool:
            return not is_alive(pid)

        await until(ended, BACK_SECONDS, "the database has ended")
        await until(lambda: postgres.answers(rig.cluster), BACK_SECONDS, "the database is back")

    return inject


def postmaster(rig: Rig) -> int:
    """Returns the process id of the server."""
    return int((rig.cluster.data / "postmaster.pid").read_text().split()[0])


async def execute(rig: Rig, *statements: str) -> None:
    """Runs statements as the superuser of the server, each in a transaction of its own."""
    connection = await asyncpg.connect(rig.cluster.url("postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def terminate(rig: Rig) -> None:
    """Terminates all sessions once a second."""
    for _ in range(int(rig.seconds)):
        await execute(rig, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'herald'")
        await asyncio.sleep(1)


async def read_only(rig: Rig) -> None:
    await execute(rig, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    await asyncio.sleep(rig.seconds)
    await execute(rig, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


async def stay_away(rig: Rig) -> None:
    """Stops the server, and prevents its restart for the seconds of the experiment."""
    config = rig.cluster.data / "postgresql.conf"
    hidden = config.rename(config.with_suffix(".hidden"))
    os.kill(postmaster(rig), signal.SIGINT)
    await asyncio.sleep(rig.seconds)
    hidden.rename(config)
    await until(lambda: postgres.answers(rig.cluster), BACK_SECONDS, "the database is back")


async def forget_zone(rig: Rig) -> None:
    """Gives some clients a zone that no system knows, as after an update of it, and mends it at the end."""
    known = await add_clients(rig.pool, 50, tag="zoned", first=3_000_000)
    lost = await add_clients(rig.pool, 3, tag="zoned", timezone="Mars/Olympus", first=4_000_000)
    mailing_id = await add_mailing(rig.pool, tags=["zoned"], lasts=3600, window=ALL_DAY)
    rig.others.add(mailing_id)
    before = rig.stack.pids()
    await rig.operator.until_counts(mailing_id, 30, sent=len(known), pending=len(lost))
    await asyncio.sleep(rig.seconds)
    if rig.stack.pids() != before:
        rig.violations.append(f"the zone ended {sorted(set(before) - set(rig.stack.pids()))}")
    for client_id in lost:
        await rig.operator.patch(f"/clients/{client_id}", {"timezone": "UTC"})
    await rig.operator.until_status(mailing_id, "finished", 30)


async def lose_answers(rig: Rig) -> None:
    """Loses the answers to statements that were executed: of claims, beats, folds, releases, and of commits."""
    rig.statements.lost = LOST_SHARE
    await asyncio.sleep(rig.seconds)
    rig.statements.lost = 0.0
    rig.notes.append(f"{rig.statements.hit.total()} answers lost")


async def delay_answers(rig: Rig) -> None:
    """Holds the answers to some statements back for longer than a beat may take."""
    rig.statements.delayed, rig.statements.delay = LOST_SHARE, DELAYED_SECONDS
    await asyncio.sleep(rig.seconds)
    rig.statements.delayed = 0.0
    rig.notes.append(f"{rig.statements.hit.total()} answers delayed")


def experiment(
    fault: str, inject: InjectFault, requires: frozenset[Requirement], seconds: float = 8, blocks_sending: bool = False
) -> Experiment:
    """Makes an experiment in which the API has no database, either, and no mailing can be closed."""
    return Experiment(
        fault,
        inject,
        seconds=seconds,
        requires=requires,
        blocks_sending=blocks_sending,
        api_stays_up=False,
        closes_in_time=False,
    )


EXPERIMENTS: Sequence[Experiment] = (
    experiment("PostgreSQL stopped for half a minute", stay_away, PRIVATE, seconds=30, blocks_sending=True),
    experiment("PostgreSQL restarted", signalled(signal.SIGINT), PRIVATE),
    experiment("PostgreSQL stopped at once", signalled(signal.SIGQUIT), PRIVATE),
    experiment("PostgreSQL killed", signalled(signal.SIGKILL), PRIVATE),
    experiment("PostgreSQL terminates sessions", terminate, PRIVATE),
    experiment("PostgreSQL read-only", read_only, PRIVATE, seconds=15),
    Experiment("a time zone is not known", forget_zone),
    experiment("PostgreSQL slow", slow, RELAYED),
    replace(experiment("PostgreSQL up to 300 ms away", far(DATABASE_AWAY), RELAYED, seconds=27), env=FAR),
    experiment("PostgreSQL cut", cut, RELAYED),
    experiment("PostgreSQL reset every second", reset, RELAYED),
    replace(
        experiment("PostgreSQL reset every second, provider slow", reset_beside_open_requests, RELAYED, seconds=12),
        env=PATIENT,
    ),
    experiment("PostgreSQL loses answers", lose_answers, STATEMENTS, seconds=20),
    experiment("PostgreSQL delays answers", delay_answers, STATEMENTS, seconds=20),
    experiment("PostgreSQL silent", stall, RELAYED, seconds=25, blocks_sending=True),
)


@pytest.mark.parametrize("experiment", parameters(EXPERIMENTS))
async def test_messages_survive_their_database(run_experiment: RunExperiment, experiment: Experiment) -> None:
    await run_experiment(experiment)
