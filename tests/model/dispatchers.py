"""What dispatchers do with a job: claim, begin, publish, acknowledge. Their statements are executed here, too."""

from collections.abc import Iterator

from tests.model import claims
from tests.model.search import Step
from tests.model.setup import Setup, with_item, with_new_name, with_process
from tests.model.state import NOBODY, Item, Job, Process, Result, State

# From asking for a claim until the broker has the result: for so long the claim's name is beaten for.
UNDER_WAY = frozenset(
    {"asked", "reading", "answered", "held", "giving", "running", "replied", "retried", "owing", "acked"}
)
INTERFERING = frozenset({"crash", "stop", "delivery lost", "statement of unknown fate"})
NOT_BEGUN = frozenset({"asked", "reading", "answered", "held"})


def steps(setup: Setup, state: State) -> Iterator[Step]:
    """Yields what any dispatcher may do next with jobs. Statements under way go on while their process is stopped."""
    for index, process in enumerate(state.processes):
        item = process.item
        if item is None:
            if process.mode != "stopped":
                yield from _take_jobs(setup, state, index)
            continue
        yield from _in_the_database(setup, state, index, item)
        if process.mode != "stopped":
            yield from _in_the_process(setup, state, index, item)


def lease_holds(setup: Setup, process: Process) -> bool:
    return process.lease < setup.bounds.lease


def _may_ask(setup: Setup, process: Process) -> bool:
    return lease_holds(setup, process) and (process.row is not None or not setup.rules.row_before_claims)


def settled_step(setup: Setup, state: State) -> Step | None:
    """Returns a step that nothing can interfere with, so that it need not be tried in any other order."""
    faults = {kind for kind, count in state.left if count}
    if setup.rules.heard_since_asked and "statement of unknown fate" not in faults:
        # Whatever happens to a claim that was answered happens to one that is held.
        for index, process in enumerate(state.processes):
            item = process.item
            if item is not None and (item.stage, item.verdict, process.mode != "stopped") == ("answered", "send", True):
                return _obey(state, index, item)
    if faults & INTERFERING:
        return None
    for index, process in enumerate(state.processes):
        item = process.item
        if item is None or process.mode == "stopped":
            continue
        if item.stage == "answered" and item.verdict != "send":
            return _obey(state, index, item)
        if item.stage == "published":
            return Step("the job is acknowledged", with_item(state, index, None))
    return None


def _take_jobs(setup: Setup, state: State, index: int) -> Iterator[Step]:
    if not _may_ask(setup, state.processes[index]):
        return
    for job in set(state.jobs):
        jobs = list(state.jobs)
        jobs.remove(job)
        taken = state._replace(jobs=tuple(jobs))
        yield Step("a job is delivered, and its claim asked", _ask(taken, index, Item("got", *job)))


def _ask(state: State, index: int, item: Item) -> State:
    if state.processes[index].name == NOBODY:
        state = with_new_name(state, index)
    asked = Item("asked", item.attempt, item.redelivered, item.delivered, name=state.processes[index].name)
    return with_item(state, index, asked)


def _in_the_database(setup: Setup, state: State, index: int, item: Item) -> Iterator[Step]:
    match item.stage:
        case "asked":
            yield from _read(setup, state, index, item)
        case "reading":
            yield Step(f"the claim commits: {item.verdict}", _commit(setup, state, index, item))
        case "giving" if not state.locked():
            given = claims.give_back(setup.rules, state, item.number, item.name, item.current)
            after = Item("got", item.attempt, item.redelivered) if item.delivered else None
            yield Step("a claim is given back", with_item(given, index, after))


def _read(setup: Setup, state: State, index: int, item: Item) -> Iterator[Step]:
    """The claim reads, by a snapshot of its own, and holds the flight's lock until it commits."""
    if state.locked() and setup.rules.row_lock:
        locked = item._replace(stage="answered", verdict="locked")
        yield Step("the claim finds the flight locked", with_item(state, index, locked))
        return
    job = Job(item.attempt, item.redelivered)
    read = item._replace(
        stage="reading",
        verdict=claims.judge(setup, state, job),
        number=claims.next_number(state),
        version=state.version,
        failures=claims.failures_before(state, item.attempt),
    )
    reading = with_item(state, index, read)
    if setup.bounds.delayed:
        yield Step("the claim reads", reading)
    else:
        yield Step(f"the claim reads and commits: {read.verdict}", _commit(setup, reading, index, read))


def _commit(setup: Setup, state: State, index: int, item: Item) -> State:
    flight = state.flight
    if flight is not None and item.verdict == "send":
        state = claims.take(state, flight, item.number, item.name)
    elif flight is not None and item.verdict == "put back":
        state = claims.put_back(setup.rules, state, flight, item.attempt)
    return with_item(state, index, item._replace(stage="answered", current=item.verdict == "send"))


def _in_the_process(setup: Setup, state: State, index: int, item: Item) -> Iterator[Step]:
    match item.stage:
        case "got":
            if _may_ask(setup, state.processes[index]):
                yield Step("the claim is asked again", _ask(state, index, item))
        case "answered":
            yield _obey(state, index, item)
        case "held":
            yield from _begin_or_give_back(setup, state, index, item)
        case "running":
            for outcome in ("accepted", "failed"):
                yield Step(f"the provider answers: {outcome}", _replied(state, index, item, outcome))
        case "replied" | "retried" | "owing" | "acked" | "published":
            yield from _publish(setup, state, index, item)


def _obey(state: State, index: int, item: Item) -> Step:
    match item.verdict:
        case "send":
            return Step("the claim is held", with_item(state, index, item._replace(stage="held")))
        case "locked":
            again = Item("got", item.attempt, item.redelivered) if item.delivered else None
            return Step("the job is in the next batch", with_item(state, index, again))
        case "busy" if item.delivered:
            returned = state._replace(jobs=(*state.jobs, Job(item.attempt, False)))
            return Step("the busy job goes to the shortest retry queue", with_item(returned, index, None))
        case "dead letter" if not any(kind == "job forged" for kind, _ in state.left):
            return Step("a job is dead-lettered", state._replace(broken="a healthy job is dead-lettered"))
        case _:
            return Step(f"the job is acknowledged: {item.verdict}", with_item(state, index, None))


def _begin_or_give_back(setup: Setup, state: State, index: int, item: Item) -> Iterator[Step]:
    rules = setup.rules
    lapsed = item.lapsed or not lease_holds(setup, state.processes[index])
    if not (lapsed and rules.lease_look) and not (item.heard and rules.heard_look):
        yield Step("a request begins", _begin(setup, state, index, item))
    if lapsed or item.heard:
        yield Step("a held message must be given back", with_item(state, index, item._replace(stage="giving")))


def _begin(setup: Setup, state: State, index: int, item: Item) -> State:
    broken = ""
    others = [process.item for place, process in enumerate(state.processes) if place != index]
    if item.version < state.answered:
        broken = "a request begins under old terms after the edit was answered"
    elif item.number in state.begun:
        broken = "a number is used twice"
    elif any(other is not None and other.stage == "running" and not other.halted for other in others):
        broken = "a message has two requests at once"
    begun = item._replace(stage="running", heard=False, lapsed=False)
    return with_item(state._replace(begun=state.begun | {item.number}, broken=broken), index, begun)


def _replied(state: State, index: int, item: Item, outcome: str) -> State:
    accepted = state.accepted + (outcome == "accepted")
    broken = "two successes are read without a crash" if accepted > 1 and not state.excused else ""
    replied = item._replace(stage="replied", outcome=outcome)
    return with_item(state._replace(accepted=min(accepted, 2), broken=broken), index, replied)


def _publish(setup: Setup, state: State, index: int, item: Item) -> Iterator[Step]:
    """The retry, then the result, then the acknowledgement; or as the rules say that are taken out."""
    rules, bounds = setup.rules, setup.bounds
    exhausted = item.outcome == "failed" and item.failures + 1 >= bounds.budget
    final = item.outcome == "accepted" or exhausted
    outcome = "exhausted" if exhausted else item.outcome
    if exhausted and len(state.begun) < bounds.budget:
        yield Step("exhausted", state._replace(broken="a message is exhausted before its budget is used up"))
        return
    queued = state._replace(jobs=(*state.jobs, Job(item.number + 1, False)))

    def after_result(stage: str | None, *, retry: bool = True) -> State:
        told = state._replace(results=(*state.results, Result(item.number, outcome, queued=retry)))
        return with_item(told, index, None if stage is None else item._replace(stage=stage))

    match item.stage:
        case "published":
            yield Step("the job is acknowledged", with_item(state, index, None))
        case "acked":
            yield Step("the result is published, after the acknowledgement", after_result(None))
        case "replied" if final and rules.ack_after_confirm:
            yield Step("the result is published", after_result("published"))
        case "replied" if final:
            acked = item._replace(stage="acked", delivered=False)
            yield Step("the job is acknowledged, before the result", with_item(state, index, acked))
        case "replied" if not rules.retry_before_result:
            yield Step("the result is published, before the retry", after_result("owing"))
        case "replied":
            yield Step("the retry is published", with_item(queued, index, item._replace(stage="retried")))
            if bounds.table_retries:
                waits = after_result("published", retry=False)
                yield Step("a result is published whose retry waits in the table", waits)
        case "owing":
            yield Step(
                "the retry is published, after the result", with_item(queued, index, item._replace(stage="published"))
            )
        case "retried":
            yield Step("the result of a retry is published", after_result("published"))


def requeued(state: State, index: int, item: Item) -> State:
    """Lets the broker deliver a job again whose channel is gone. What has begun goes on without it."""
    if not item.delivered:
        return state
    returned = state._replace(jobs=(*state.jobs, Job(item.attempt, True)))
    kept = None if item.stage in ("got", "published") else item._replace(delivered=False)
    return with_process(returned, index, returned.processes[index]._replace(item=kept))
