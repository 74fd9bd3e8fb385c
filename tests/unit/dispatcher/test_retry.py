"""The decision that follows a reply: final, or retried after which delay."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.retry import LEAST_TIME_LEFT, Decision, Finish, Retry, RetryFacts, RetryPolicy, decide
from tests.support.builders import a_classification, a_policy, some_facts

ACCEPTED = a_classification(verdict="accepted", outcome="accepted", reason="accepted")
REFUSED = a_classification(verdict="permanent", outcome="refused", reason="HTTP 400")
UNAUTHORIZED = a_classification(verdict="misconfigured", outcome="unauthorized", reason="HTTP 401")
BROKEN = a_classification()


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def busy(number: float) -> Classification:
    """Too many requests, with a Retry-After in seconds."""
    return a_classification(outcome="too_many", reason="HTTP 429", retry_after=seconds(number))


def queued(number: float, *, failed: bool = True) -> Retry:
    return Retry(seconds(number), queued=True, failed=failed)


def in_table(number: float, *, failed: bool = True) -> Retry:
    return Retry(seconds(number), queued=False, failed=failed)


NO_TIME = Finish("expired", "HTTP 500, no time left for a retry", failed=True)
TOO_LATE = Finish("expired", "HTTP 429, retry only after the deadline", failed=True)


@pytest.mark.parametrize(
    ("classification", "facts", "decision"),
    [
        # Final replies, whatever else is known.
        (ACCEPTED, some_facts(), Finish("sent", None)),
        (ACCEPTED, some_facts(failures=7, left=seconds(-1), free=True), Finish("sent", None)),
        (REFUSED, some_facts(), Finish("rejected", "HTTP 400")),
        (REFUSED, some_facts(failures=7, left=seconds(-1), free=True), Finish("rejected", "HTTP 400")),
        # Each failure has its tier; the last one repeats.
        (BROKEN, some_facts(failures=0), queued(5)),
        (BROKEN, some_facts(failures=1), queued(30)),
        (BROKEN, some_facts(failures=2), queued(120)),
        (BROKEN, some_facts(failures=3), queued(600)),
        (BROKEN, some_facts(failures=4), queued(1800)),
        (BROKEN, some_facts(failures=5), queued(1800)),
        (BROKEN, some_facts(failures=6), queued(1800)),
        # The eighth failure is the last, and a later one, after the budget was cut, as well.
        (BROKEN, some_facts(failures=7), Finish("exhausted", "HTTP 500", failed=True)),
        (BROKEN, some_facts(failures=12), Finish("exhausted", "HTTP 500", failed=True)),
        # The budget goes before the deadline: it is the better explanation.
        (BROKEN, some_facts(failures=7, left=seconds(0)), Finish("exhausted", "HTTP 500", failed=True)),
        # Near the end a shorter tier is taken, down to the shortest that leaves two seconds.
        (BROKEN, some_facts(failures=4, left=seconds(1802)), queued(1800)),
        (BROKEN, some_facts(failures=4, left=seconds(1801.9)), queued(600)),
        (BROKEN, some_facts(failures=4, left=seconds(32)), queued(30)),
        (BROKEN, some_facts(failures=4, left=seconds(31.9)), queued(5)),
        (BROKEN, some_facts(failures=0, left=seconds(7)), queued(5)),
        (BROKEN, some_facts(failures=0, left=seconds(6.9)), NO_TIME),
        (BROKEN, some_facts(failures=4, left=seconds(6.9)), NO_TIME),
        (BROKEN, some_facts(left=seconds(0)), NO_TIME),
        (BROKEN, some_facts(left=seconds(-5)), NO_TIME),
        # Retry-After below the tier changes nothing.
        (busy(0), some_facts(), queued(5)),
        (busy(3), some_facts(), queued(5)),
        (busy(5), some_facts(), queued(5)),
        (busy(7), some_facts(failures=1), queued(30)),
        # Above the tier it is taken at its word; no queue has such a delay.
        (busy(7), some_facts(), in_table(7)),
        (busy(45), some_facts(failures=1), in_table(45)),
        (busy(3000), some_facts(failures=4), in_table(3000)),
        (busy(3598), some_facts(), in_table(3598)),
        (busy(3598.1), some_facts(), TOO_LATE),
        (busy(86_400), some_facts(failures=4), TOO_LATE),
        # Near the end: the tier does not fit, and a shorter one would come before Retry-After is over.
        (busy(6), some_facts(failures=4, left=seconds(40)), queued(30)),
        (busy(7), some_facts(failures=1, left=seconds(20)), in_table(7)),
        (busy(40), some_facts(failures=2, left=seconds(60)), in_table(40)),
        # The budget counts, Retry-After or not.
        (busy(7), some_facts(failures=7), Finish("exhausted", "HTTP 429", failed=True)),
        # Our own fault: no attempt is spent, and the tier stays where it was.
        (UNAUTHORIZED, some_facts(), queued(5, failed=False)),
        (UNAUTHORIZED, some_facts(failures=1), queued(5, failed=False)),
        (UNAUTHORIZED, some_facts(failures=3), queued(120, failed=False)),
        (UNAUTHORIZED, some_facts(failures=7), queued(1800, failed=False)),
        (UNAUTHORIZED, some_facts(left=seconds(6)), Finish("expired", "HTTP 401, no time left for a retry")),
        # So are the probes of the breaker.
        (BROKEN, some_facts(free=True), queued(5, failed=False)),
        (BROKEN, some_facts(failures=2, free=True), queued(30, failed=False)),
        (BROKEN, some_facts(failures=7, free=True), queued(1800, failed=False)),
        (busy(7), some_facts(free=True), in_table(7, failed=False)),
        (BROKEN, some_facts(left=seconds(6), free=True), Finish("expired", "HTTP 500, no time left for a retry")),
        # The queues hold no more: the retry waits in the table, as long.
        (BROKEN, some_facts(queues_full=True), in_table(5)),
        (BROKEN, some_facts(failures=2, queues_full=True), in_table(120)),
        (busy(7), some_facts(queues_full=True), in_table(7)),
        (UNAUTHORIZED, some_facts(queues_full=True), in_table(5, failed=False)),
    ],
)
def test_a_reply_is_followed_by(classification: Classification, facts: RetryFacts, decision: Decision) -> None:
    assert decide(classification, facts, a_policy()) == decision


@pytest.mark.parametrize(
    ("policy", "failures", "decision"),
    [
        # One attempt and no more.
        (a_policy(max_attempts=1), 0, Finish("exhausted", "HTTP 500", failed=True)),
        # A budget beyond the tiers repeats the last one.
        (a_policy(delays=(seconds(1),), max_attempts=1000), 998, queued(1)),
        (a_policy(delays=(seconds(1),), max_attempts=1000), 999, Finish("exhausted", "HTTP 500", failed=True)),
    ],
)
def test_the_policy_is_kept(policy: RetryPolicy, failures: int, decision: Decision) -> None:
    assert decide(BROKEN, some_facts(failures=failures), policy) == decision


moments = st.integers(0, 200_000).map(lambda tenths: timedelta(seconds=tenths / 10))
policies = st.builds(
    RetryPolicy,
    st.lists(moments.filter(bool), min_size=1, max_size=6, unique=True).map(lambda delays: tuple(sorted(delays))),
    st.integers(1, 12),
)
retried = st.builds(
    lambda verdict, retry_after: a_classification(verdict=verdict, retry_after=retry_after),
    st.sampled_from(["temporary", "misconfigured"]),
    st.none() | moments,
)
facts_of_any_kind = st.builds(RetryFacts, st.integers(0, 12), moments, st.booleans(), st.booleans())


@given(retried, facts_of_any_kind, policies)
def test_a_retry_leaves_time_for_its_request_and_obeys_the_provider(
    classification: Classification, facts: RetryFacts, policy: RetryPolicy
) -> None:
    decision = decide(classification, facts, policy)
    if isinstance(decision, Retry):
        assert facts.left - decision.delay >= LEAST_TIME_LEFT
        assert decision.delay >= (classification.retry_after or timedelta(0))
        assert not decision.queued or (decision.delay in policy.delays and not facts.queues_full)


@given(retried, facts_of_any_kind, policies)
def test_a_message_expires_only_if_no_retry_fits(
    classification: Classification, facts: RetryFacts, policy: RetryPolicy
) -> None:
    decision = decide(classification, facts, policy)
    soonest = max(classification.retry_after or timedelta(0), policy.delays[0])
    if isinstance(decision, Finish) and decision.status == "expired":
        assert facts.left - soonest < LEAST_TIME_LEFT


@given(retried, facts_of_any_kind, policies)
def test_only_a_temporary_failure_that_is_no_probe_spends_the_budget(
    classification: Classification, facts: RetryFacts, policy: RetryPolicy
) -> None:
    assert decide(classification, facts, policy).failed is (classification.verdict == "temporary" and not facts.free)


@settings(deadline=None)
@given(st.lists(st.tuples(retried, st.booleans()), min_size=20, max_size=40), policies)
def test_a_message_never_fails_more_often_than_its_budget(
    story: list[tuple[Classification, bool]], policy: RetryPolicy
) -> None:
    failures = 0
    for classification, free in story:
        decision = decide(classification, RetryFacts(failures, timedelta(days=1000), free), policy)
        failures += decision.failed
        if isinstance(decision, Finish):
            assert (decision.status, failures) == ("exhausted", policy.max_attempts)
            return
        assert failures < policy.max_attempts
