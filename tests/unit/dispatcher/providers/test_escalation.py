"""Verdicts that come again and again."""

from services.dispatcher.provider_api.replies import Classification
from services.dispatcher.providers.escalation import REFUSALS_IN_A_ROW, Escalation

ACCEPTED = Classification("accepted", "accepted", "accepted")
THROTTLED = Classification("throttled", "too_many", "HTTP 429", not_taken=True)
HOLD = Classification("hold", "hold", "no money", not_taken=True)
REFUSED = Classification("permanent", "refused", "bad number", not_taken=True, rule=3)


def test_throttled_three_times_while_others_pass_is_temporary() -> None:
    memory, verdicts = Escalation(), []
    for message_id in range(3):
        verdicts.append(memory.judge(1, THROTTLED).verdict)
        memory.judge(100 + message_id, ACCEPTED)
    assert verdicts == ["throttled", "throttled", "temporary"]
    assert memory.judge(1, THROTTLED).spends_budget


def test_a_provider_that_throttles_everybody_costs_nobody_an_attempt() -> None:
    memory = Escalation()
    assert {memory.judge(1, THROTTLED).verdict for _ in range(50)} == {"throttled"}


def test_a_message_that_alone_is_held_again_and_again_is_refused() -> None:
    memory, verdicts = Escalation(), []
    for _ in range(3):
        verdicts.append(memory.judge(1, HOLD).verdict)
        memory.judge(2, ACCEPTED)
    assert verdicts == ["hold", "hold", "permanent"]
    # Nobody is refused because the account is empty.
    memory = Escalation()
    assert {memory.judge(1, HOLD).verdict for _ in range(50)} == {"hold"}


def test_twenty_refusals_by_one_rule_in_a_row_are_our_own_fault() -> None:
    memory = Escalation()
    found = [memory.judge(number, REFUSED) for number in range(REFUSALS_IN_A_ROW)]
    assert [one.verdict for one in found] == ["permanent"] * 19 + ["hold"]
    assert found[-1].reason == "20 refusals in a row, bad number"


def test_an_acceptance_or_another_rule_begins_the_count_anew() -> None:
    memory = Escalation()
    for number in range(100):
        assert memory.judge(number, REFUSED).verdict == "permanent"
        if number % 15 == 0:
            memory.judge(number, ACCEPTED)
