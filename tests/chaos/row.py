"""A row of the chaos table, and its course: traffic, the fault, healing, recovery, the oracle."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from shared import topology
from shared.broker import open_connection
from tests.chaos import oracle
from tests.chaos.arena import LATENCY_MS, PIPELINE, RATE, WATERMARK, Arena, Inflict, Needs, Place, open_arena
from tests.chaos.ledger import read_requests
from tests.chaos.line import Line
from tests.chaos.patience import patiently
from tests.chaos.watch import BACK, SPAN_SECONDS, Watches
from tests.support.mailing_rows import add_clients, add_mailing
from tests.support.operator import Operator
from tests.support.polling import until
from tests.support.stack import Stack

STEADY_SECONDS = 3
# I8: sending is back so soon.
RECOVERED_WITHIN = 60.0
# What is sent after healing, at least: the time it takes to see that the rate is back, and some.
AFTER_SECONDS = 5
# I6: no answer of the API takes longer, on a machine that runs four of these stacks on two cores.
SLOWEST_ANSWER = 1.0
# The planner lets out a chunk at a time, so that much more may be in flight.
CHUNK = 500
# I7: sessions of the database for each process, the largest pool being the API's.
MOST_SESSIONS = 10
WORKING_QUEUES = (topology.PLANNER_MAILINGS, topology.DISPATCHER_JOBS, topology.REPORTER_RESULTS)
# Doubled jobs of messages that are final may still be there, and die in the claim.
EMPTY_SECONDS = 20
NEVER_AWAY = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Row:
    """`inflict` brings the fault about and returns once it is healed, about `seconds` later.

    `api_stays`: the API must answer fast and right throughout. `closes_through`: a mailing whose end comes during
    the fault must be closed in time all the same; not so where the database or every planner is away. `freezes`: a
    dispatcher reads replies long after they came, so its word on when a request ended is not taken. `stops`: nothing
    can be sent during the fault, so less has to wait for its end. `excuse`: a reason for which messages may stay
    unsent, since somebody asked for it. `settings` are those of single processes. `rate` is that of all dispatchers
    together, in messages a second; `error_rate` the provider's, all the time. `quick`: runs with the other tests.
    """

    fault: str
    inflict: Inflict
    seconds: float = 8
    needs: frozenset[Needs] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    more_processes: tuple[str, ...] = ()
    rate: float = RATE
    error_rate: float = 0.0
    api_stays: bool = True
    closes_through: bool = True
    freezes: bool = False
    stops: bool = False
    excuse: str | None = None
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """The moments of a row, on the loop's clock, and the mailings that must be sent whole."""

    broken_at: float
    healed_at: float
    healed_moment: datetime
    steady: float
    whole: set[int]


async def run(row: Row, place: Place, show: Callable[[Stack], None]) -> Line:
    """Runs a row from the first process to the verdict."""
    processes = {name: row.settings.get(name, {}) for name in ("api", *PIPELINE, *row.more_processes)}
    dispatchers = sum(name.startswith("dispatcher") for name in processes)
    env = {"HERALD_PROVIDER_RATE": str(row.rate / dispatchers)} | dict(row.env)
    async with open_arena(place, row.needs, env, processes, show) as (stack, pool):
        arena = Arena(row.fault, stack, pool, Operator(stack), place, row.seconds, row.rate)
        async with Watches(stack, pool) as watches:
            course, recovered = await _take_course(row, arena, watches)
        line = await judge(
            arena,
            course.whole,
            recovered,
            closable_at=NEVER_AWAY if row.closes_through else course.healed_moment,
            freezes=row.freezes,
            excuse=row.excuse,
        )
        return replace(line, broken=(*line.broken, *_watched_broken(row, watches, course, recovered)))


async def _take_course(row: Row, arena: Arena, watches: Watches) -> tuple[Course, float | None]:
    loop = asyncio.get_running_loop()
    await arena.operator.set_faults(latency_ms=LATENCY_MS, error_rate=row.error_rate)
    arena.main = await _begin(row, arena)
    await _under_way(watches, row.rate)
    began = loop.time()
    await asyncio.sleep(STEADY_SECONDS)
    broken_at = loop.time()
    steady = min(watches.sent.best(began, broken_at), row.rate)
    await row.inflict(arena)
    healed_at, healed_moment = loop.time(), datetime.now(UTC)
    recovered, more = await _until_back(arena, watches, healed_at, steady)
    await until_finished(arena)
    return Course(broken_at, healed_at, healed_moment, steady, {arena.main, *more}), recovered


async def _begin(row: Row, arena: Arena) -> int:
    """Begins two mailings: one that must be sent whole, and one whose end comes in the middle of the fault."""
    sending = STEADY_SECONDS if row.stops else row.seconds
    main, brief = (STEADY_SECONDS + sending) * row.rate, (STEADY_SECONDS + sending / 2) * row.rate
    await add_clients(arena.pool, int(main), tag="main")
    await add_clients(arena.pool, int(brief), tag="brief", first=1_000_000)
    await add_clients(arena.pool, int(AFTER_SECONDS * row.rate), tag="more", first=2_000_000)
    mailing_id = await arena.operator.create_mailing(filter={"tags": ["main"]}, lasts=3600)
    await arena.operator.create_mailing(filter={"tags": ["brief"]}, lasts=STEADY_SECONDS + row.seconds / 2 + 1)
    return mailing_id


async def _under_way(watches: Watches, rate: float) -> None:
    async def sending() -> bool:
        return bool(watches.sent.looks) and watches.sent.looks[-1][1] > rate / 2

    await until(sending, 30, "sending has begun")


async def _top_up(arena: Arena) -> list[int]:
    """Sees to it that there is something left to send, or a recovery could not be seen."""
    row = await arena.pool.fetchrow(
        """
        SELECT coalesce(sum(c.pending + c.retrying), 0) AS left, count(*) FILTER (WHERE NOT w.expansion_done) AS unready
        FROM mailings m JOIN mailing_counts c ON c.mailing_id = m.id JOIN mailing_work w ON w.mailing_id = m.id
        WHERE m.end_at > now() AND m.finished_at IS NULL
        """
    )
    assert row is not None
    if row["unready"] or row["left"] >= AFTER_SECONDS * arena.rate:
        return []
    return [await add_mailing(arena.pool, tags=["more"], lasts=3600)]


async def _until_back(
    arena: Arena, watches: Watches, healed_at: float, steady: float
) -> tuple[float | None, list[int]]:
    """Waits until sending is back at its rate, and sees to it that there is something to send.

    Returns how many seconds it took, None if it did not come, and the mailings that were added.
    """
    more: list[int] = []

    async def back() -> bool:
        more.extend(await patiently(lambda: _top_up(arena), RECOVERED_WITHIN))
        return watches.sent.back_at(healed_at, BACK * steady) is not None

    try:
        await until(back, RECOVERED_WITHIN + SPAN_SECONDS + 1, "sending is back")
    except AssertionError:
        return None, more
    found = watches.sent.back_at(healed_at, BACK * steady)
    return None if found is None else found - healed_at, more


async def until_finished(arena: Arena) -> None:
    """Waits until every mailing is finished; one that does not finish is for the oracle to judge."""

    async def finished() -> bool:
        left: int = await arena.pool.fetchval("SELECT count(*) FROM mailings WHERE finished_at IS NULL")
        # An open claim of a finished mailing may still bring a late success.
        return left == 0 and await arena.pool.fetchval("SELECT count(*) FROM flights") == 0

    try:
        await until(lambda: patiently(finished, RECOVERED_WITHIN), 2 * RECOVERED_WITHIN, "all mailings are finished")
    except AssertionError as error:
        arena.notes.append(str(error))
    await _until_empty(arena)


async def _until_empty(arena: Arena) -> None:
    """Waits until no body waits in a working queue: what was left there would be work for ever."""
    connection = await open_connection(arena.place.broker_url, "chaos")
    async with connection, connection.channel() as channel:

        async def empty() -> bool:
            found = [await channel.declare_queue(name, passive=True) for name in WORKING_QUEUES]
            return not any(queue.declaration_result.message_count for queue in found)

        try:
            await until(empty, EMPTY_SECONDS, "all queues are empty")
        except AssertionError as error:
            arena.broken.append(f"I7 {error}")


async def judge(
    arena: Arena,
    whole: set[int],
    recovered: float | None = None,
    *,
    closable_at: datetime = NEVER_AWAY,
    freezes: bool = False,
    excuse: str | None = None,
) -> Line:
    """Asks the oracle what became of everything, the pipeline being at rest."""
    mailings = await oracle.read_mailings(arena.pool, whole)
    found = oracle.Findings(
        mailings=mailings,
        messages=await oracle.read_messages(arena.pool),
        requests=await read_requests(arena.stack.sandbox),
        attempts=await oracle.count_attempts(arena.pool),
        replied_late=0 if freezes else await oracle.count_replied_late(arena.pool),
        held=len(arena.held),
        closable_at=closable_at,
        excuse=excuse,
        memory=_memory(arena.stack),
        books=await oracle.check_all_books(arena.pool, [mailing.id for mailing in mailings]),
    )
    verdict = oracle.judge(found)
    notes = [*([f"{verdict.bound} repeats admitted"] if verdict.bound else []), *arena.notes]
    return Line(
        arena.fault,
        verdict.attempts,
        verdict.accepted,
        verdict.lost,
        verdict.duplicated,
        verdict.late,
        None if recovered is None else round(recovered, 1),
        "; ".join(notes),
        (*verdict.broken, *arena.broken),
    )


def _watched_broken(row: Row, watches: Watches, course: Course, recovered: float | None) -> Iterator[str]:
    if recovered is None or recovered > RECOVERED_WITHIN:
        best = watches.sent.best(course.healed_at, float("inf"))
        yield f"I8 not back at {BACK * course.steady:.0f}/s in time, {best:.0f}/s at best"
    if watches.most_in_flight > WATERMARK + CHUNK:
        yield f"I7 {watches.most_in_flight} messages in flight"
    if watches.most_sessions > MOST_SESSIONS * len(watches.stack.pids()):
        yield f"I7 {watches.most_sessions} sessions of the database"
    slowest, refused = (look(course.broken_at, course.healed_at) for look in (watches.slowest, watches.refused))
    if row.api_stays and refused:
        yield f"I6 the API failed {refused} times"
    if row.api_stays and slowest > SLOWEST_ANSWER:
        yield f"I6 the API took {slowest:.2f} s"


def _memory(stack: Stack) -> dict[str, int]:
    """Reads the highest memory of every process, in bytes."""
    return {name: _peak(pid) for name, pid in stack.pids().items()}


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kibibytes) * 1024
