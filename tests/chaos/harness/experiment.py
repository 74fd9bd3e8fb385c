"""A chaos experiment and its course: steady traffic, the fault, recovery, and the judgement of the oracle."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tests.chaos.harness.assessment import NEVER_AWAY, assess
from tests.chaos.harness.monitor import Monitor
from tests.chaos.harness.result import ExperimentResult
from tests.chaos.harness.rig import (
    LATENCY_MS,
    PIPELINE,
    RATE,
    WATERMARK,
    InjectFault,
    Requirement,
    Rig,
    RigServices,
    open_rig,
)
from tests.chaos.harness.traffic import (
    RECOVERED_SECONDS,
    RECOVERED_SHARE,
    begin_mailings,
    until_finished,
    until_recovered,
    until_under_way,
)
from tests.support.operator import Operator
from tests.support.stack import Stack

STEADY_SECONDS = 3
# I6: the API answers within this many seconds, on a machine that runs four such stacks on two cores.
SLOWEST_ANSWER_SECONDS = 1.0
# The planner releases whole chunks, so the messages in flight may exceed the watermark by one.
CHUNK = 500
# I7: database sessions of one process; the API has the largest pool.
MAX_SESSIONS = 10


@dataclass(frozen=True)
class Experiment:
    """A fault, and what may be expected of the system while it lasts.

    - `inject` injects the fault and returns once it is healed, about `seconds` later.
    - `api_stays_up`: the API must answer quickly and correctly during the fault.
    - `closes_in_time`: a mailing that ends during the fault must be closed in time. It cannot be where the database or
      every planner is away.
    - `freezes_dispatcher`: a dispatcher reads replies long after they came, so the moments that it records are not
      compared with the end of a mailing.
    - `blocks_sending`: nothing can be sent during the fault, so fewer messages are prepared.
    - `excuse`: a reason for which messages of the main mailing may stay unsent.
    - `settings` are those of single processes.
    - `rate` is that of all dispatchers together, in messages a second; `error_rate` is that of the provider.
    - `once`: the providers drop no second request, so nothing may arrive twice, whatever was lost.
    - `check` looks at what only this experiment knows, once all mailings are finished.
    - `quick`: runs in `make test`, not only in `make chaos`.
    """

    fault: str
    inject: InjectFault
    seconds: float = 8
    requires: frozenset[Requirement] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    more_processes: tuple[str, ...] = ()
    rate: float = RATE
    error_rate: float = 0.0
    api_stays_up: bool = True
    closes_in_time: bool = True
    freezes_dispatcher: bool = False
    blocks_sending: bool = False
    excuse: str | None = None
    once: bool = False
    check: InjectFault | None = None
    quick: bool = False

    @property
    def sending_seconds(self) -> float:
        """How long messages can be sent while the fault lasts."""
        return STEADY_SECONDS if self.blocks_sending else self.seconds


@dataclass(frozen=True, slots=True)
class Course:
    """The moments of an experiment on the loop's clock, its steady rate, and the mailings that must reach everybody."""

    injected_at: float
    healed_at: float
    healed_moment: datetime
    steady_rate: float
    must_reach_all: set[int]


async def run(experiment: Experiment, services: RigServices, show_logs: Callable[[Stack], None]) -> ExperimentResult:
    """Runs an experiment from the start of its processes to the judgement."""
    processes = {name: experiment.settings.get(name, {}) for name in ("api", *PIPELINE, *experiment.more_processes)}
    env = {"HERALD_PROVIDER_RATE": str(experiment.rate)} | dict(experiment.env)
    async with open_rig(services, experiment.requires, env, processes, show_logs) as (stack, pool):
        rig = Rig(experiment.fault, stack, pool, Operator(stack), services, experiment.seconds, experiment.rate)
        async with Monitor(stack, pool) as monitor:
            course, recovered = await _run_course(experiment, rig, monitor)
        result = await assess(
            rig,
            course.must_reach_all,
            recovered,
            closable_at=NEVER_AWAY if experiment.closes_in_time else course.healed_moment,
            freezes_dispatcher=experiment.freezes_dispatcher,
            excuse=experiment.excuse,
        )
        seen = list(_monitored_violations(experiment, monitor, course, recovered))
        if experiment.once and result.duplicated:
            seen.append(f"I4 {result.duplicated} duplicated at providers that drop no second request")
        return replace(result, violations=(*result.violations, *seen))


async def _run_course(experiment: Experiment, rig: Rig, monitor: Monitor) -> tuple[Course, float | None]:
    loop = asyncio.get_running_loop()
    await rig.operator.set_faults(latency_ms=LATENCY_MS, error_rate=experiment.error_rate)
    rig.main = await begin_mailings(rig, STEADY_SECONDS, experiment.sending_seconds)
    await until_under_way(monitor, experiment.rate)
    began = loop.time()
    await asyncio.sleep(STEADY_SECONDS)
    injected_at = loop.time()
    steady_rate = min(monitor.sent.best(began, injected_at), experiment.rate)
    await experiment.inject(rig)
    healed_at, healed_moment = loop.time(), datetime.now(UTC)
    recovered, added = await until_recovered(rig, monitor, healed_at, steady_rate)
    await until_finished(rig)
    if experiment.check is not None:
        await experiment.check(rig)
    return Course(injected_at, healed_at, healed_moment, steady_rate, {rig.main, *rig.others, *added}), recovered


def _monitored_violations(
    experiment: Experiment, monitor: Monitor, course: Course, recovered: float | None
) -> Iterator[str]:
    if recovered is None or recovered > RECOVERED_SECONDS:
        best = monitor.sent.best(course.healed_at, float("inf"))
        yield f"I8 not back at {RECOVERED_SHARE * course.steady_rate:.0f}/s in time, {best:.0f}/s at best"
    if monitor.max_in_flight > WATERMARK + CHUNK:
        yield f"I7 {monitor.max_in_flight} messages in flight"
    if monitor.max_sessions > MAX_SESSIONS * len(monitor.stack.pids()):
        yield f"I7 {monitor.max_sessions} sessions of the database"
    if not experiment.api_stays_up:
        return
    if failed := monitor.failed_answers(course.injected_at, course.healed_at):
        yield f"I6 the API failed {failed} times"
    if (slowest := monitor.slowest_answer(course.injected_at, course.healed_at)) > SLOWEST_ANSWER_SECONDS:
        yield f"I6 the API took {slowest:.2f} s"
