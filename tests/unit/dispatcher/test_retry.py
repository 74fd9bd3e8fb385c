"""The decision that follows a reply: final, or retried after which delay."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.retry import LEAST_TIME_LEFT, Decision, Finish, Retry, RetryFacts, RetryPolicy, decide
from tests.support.builders import a_classification, a_policy, some_facts

ACCEPTED = a_classification(verdict="accepted", outcome="accepted", reason="accepted")
REFUSED = a_classification(verdict="permanent", outcome="refused", reason="HTTP 400")
UNAUTHORIZED = a_classification(verdict="hold", outcome="unauthorized", reason="HTTP 401")
BROKEN = a_classification()


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def busy(number: float) -> Classification:
    """Too many requests, with a Retry-After in seconds."""
    return a_classification(outcome="too_many", reason="HTTP 429", retry_after=seconds(number), not_taken=True)


def later(number: float) -> Classification:
    """A failure that may have arrived, with a Retry-After in seconds."""
    return a_classification(retry_after=seconds(number))


def queued(number: float, *, failed: bool = True) -> Retry:
    return Retry(seconds(number), queued=True, failed=failed)


def in_table(number: float, *, failed: bool = True) -> Retry:
    return Retry(seconds(number), queued=False, failed=failed)


UNREACHABLE = a_classification(outcome="unreachable", reason="provider unreachable", not_taken=True)
# It is due after the end, or too shortly before it: only closing expires a message, unless the end is moved.
NO_TIME = in_table(5)


@pytest.mark.parametrize(
    ("classification", "facts", "decision"),
    [
        # Final replies, whatever else is known.
        (ACCEPTED, some_facts(), Finish("sent", None)),
        (ACCEPTED, some_facts(failures=7, left=seconds(-1)), Finish("sent", None)),
        (REFUSED, some_facts(), Finish("rejected", "HTTP 400")),
        (REFUSED, some_facts(failures=7, left=seconds(-1)), Finish("rejected", "HTTP 400")),
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
        (later(0), some_facts(), queued(5)),
        (later(3), some_facts(), queued(5)),
        (later(5), some_facts(), queued(5)),
        (later(7), some_facts(failures=1), queued(30)),
        # Above the tier it is taken at its word; no queue has such a delay.
        (later(7), some_facts(), in_table(7)),
        (later(45), some_facts(failures=1), in_table(45)),
        (later(3000), some_facts(failures=4), in_table(3000)),
        (later(3598), some_facts(), in_table(3598)),
        # Beyond the end it waits there, too.
        (later(3598.1), some_facts(), in_table(3598.1)),
        (later(86_400), some_facts(failures=4), in_table(86_400)),
        (busy(86_400), some_facts(failures=4), in_table(86_400, failed=False)),
        # Near the end: the tier does not fit, and a shorter one would come before Retry-After is over.
        (later(6), some_facts(failures=4, left=seconds(40)), queued(30)),
        (later(7), some_facts(failures=1, left=seconds(20)), in_table(7)),
        (later(40), some_facts(failures=2, left=seconds(60)), in_table(40)),
        # The budget counts, Retry-After or not, where the message may have arrived.
        (later(7), some_facts(failures=7), Finish("exhausted", "HTTP 500", failed=True)),
        (busy(7), some_facts(failures=7), queued(1800, failed=False)),
        # Our own fault: no attempt is spent, and the tier stays where it was.
        (UNAUTHORIZED, some_facts(), queued(5, failed=False)),
        (UNAUTHORIZED, some_facts(number=9), queued(5, failed=False)),
        (UNAUTHORIZED, some_facts(failures=1), queued(5, failed=False)),
        (UNAUTHORIZED, some_facts(failures=3), queued(120, failed=False)),
        (UNAUTHORIZED, some_facts(failures=7), queued(1800, failed=False)),
        (UNAUTHORIZED, some_facts(left=seconds(6)), in_table(5, failed=False)),
        # What was certainly not taken spends nothing, and comes back after the second delay at the longest.
        (UNREACHABLE, some_facts(), queued(5, failed=False)),
        (UNREACHABLE, some_facts(number=2), queued(30, failed=False)),
        (UNREACHABLE, some_facts(number=500), queued(30, failed=False)),
        (UNREACHABLE, some_facts(failures=4, number=500), queued(600, failed=False)),
        (UNREACHABLE, some_facts(failures=7, number=8), queued(1800, failed=False)),
        (UNREACHABLE, some_facts(left=seconds(6)), in_table(5, failed=False)),
        (busy(7), some_facts(number=1), in_table(7, failed=False)),
        (busy(7), some_facts(number=2), queued(30, failed=False)),
        # The queues hold no more: the retry waits in the table, as long.
        (BROKEN, some_facts(queues_full=True), in_table(5)),
        (BROKEN, some_facts(failures=2, queues_full=True), in_table(120)),
        (later(7), some_facts(queues_full=True), in_table(7)),
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
    lambda verdict, retry_after, not_taken: a_classification(
        verdict=verdict, retry_after=retry_after, not_taken=not_taken or verdict == "hold"
    ),
    st.sampled_from(["temporary", "hold"]),
    st.none() | moments,
    st.booleans(),
)
facts_of_any_kind = st.builds(RetryFacts, st.integers(0, 12), moments, st.integers(1, 99), st.booleans())


@given(retried, facts_of_any_kind, policies)
def test_a_queued_retry_leaves_time_for_its_request_and_every_retry_obeys_the_provider(
    classification: Classification, facts: RetryFacts, policy: RetryPolicy
) -> None:
    decision = decide(classification, facts, policy)
    if isinstance(decision, Retry):
        assert decision.delay >= (classification.retry_after or timedelta(0))
        if decision.queued:
            assert facts.left - decision.delay >= LEAST_TIME_LEFT
            assert decision.delay in policy.delays
            assert not facts.queues_full


@given(retried, facts_of_any_kind, policies)
def test_no_reply_expires_a_message(classification: Classification, facts: RetryFacts, policy: RetryPolicy) -> None:
    # Only closing does, under the mailing's lock: the end may have been moved since the claim.
    decision = decide(classification, facts, policy)
    assert isinstance(decision, Retry) or decision.status == "exhausted"


@given(retried, facts_of_any_kind, policies)
def test_all_that_may_have_arrived_spends_the_budget_and_nothing_else_does(
    classification: Classification, facts: RetryFacts, policy: RetryPolicy
) -> None:
    assert decide(classification, facts, policy).failed is not classification.not_taken


@settings(deadline=None)
@given(st.lists(retried, min_size=20, max_size=40), policies)
def test_a_message_never_fails_more_often_than_its_budget(story: list[Classification], policy: RetryPolicy) -> None:
    failures = 0
    for number, classification in enumerate(story, 1):
        decision = decide(classification, RetryFacts(failures, timedelta(days=1000), number), policy)
        failures += decision.failed
        if isinstance(decision, Finish):
            assert (decision.status, failures) == ("exhausted", policy.max_attempts)
            return
        assert failures < policy.max_attempts


@pytest.mark.parametrize(
    ("classification", "over", "decision"),
    [
        # A message that its provider may have taken never leaves it.
        (
            a_classification(verdict="permanent", elsewhere=True, reason="no route"),
            {"others": True},
            queued(5, failed=False),
        ),
        (
            a_classification(verdict="permanent", elsewhere=True, reason="no route"),
            {"others": True, "unsure": True},
            Finish("rejected", "no route"),
        ),
        # One attempt before the last may have arrived.
        (
            a_classification(not_taken=True, counted=True),
            {"unsure": True, "failures": 7},
            Finish("exhausted", "outcome unknown: HTTP 500", failed=True),
        ),
        # A provider that is away for long keeps no message that another one may have.
        (busy(601), {"others": True}, queued(5, failed=False)),
        (busy(600), {"others": True}, in_table(600, failed=False)),
        (busy(601), {"others": True, "unsure": True}, in_table(601, failed=False)),
        (busy(601), {}, in_table(601, failed=False)),
        (later(601), {"others": True}, in_table(601)),
    ],
)
def test_what_may_have_arrived_stays_and_what_has_not_moves(
    classification: Classification, over: dict[str, Any], decision: Decision
) -> None:
    assert decide(classification, some_facts(left=seconds(7200), **over), a_policy()) == decision
