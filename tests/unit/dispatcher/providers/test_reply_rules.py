"""Rules: from a reply to its verdict, by status, JSON and text."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.dispatcher.provider_api.replies import OUTCOMES, Classification, Reply
from services.dispatcher.providers.message_values import MessageValues
from services.dispatcher.providers.reply_rules import compile_rules
from services.dispatcher.providers.unmatched import OUTCOMES_BY_VERDICT
from shared.providers.schema import ReplyRule
from tests.support.builders import a_claim, a_reply


def judge(rules: list[dict[str, Any]], reply: Reply) -> Classification:
    classify = compile_rules([ReplyRule.model_validate(rule) for rule in rules])
    return classify(reply, MessageValues(a_claim(), 60))


def verdict(when: dict[str, Any] | None, body: bytes, status: int = 200) -> bool:
    rule = {"verdict": "accepted"} | ({} if when is None else {"when": when})
    return judge([rule], a_reply(body, status)).verdict == "accepted"


@pytest.mark.parametrize(
    ("when", "body", "matches"),
    [
        (None, b"", True),
        ({"json": {"code": 0}}, b'{"code": "0"}', True),
        ({"json": {"code": "0"}}, b'{"code": 0}', True),
        ({"json": {"code": "0"}}, b'{"code": "00"}', False),
        ({"json": {"ok": True}}, b'{"ok": true}', True),
        ({"json": {"ok": True}}, b'{"ok": 1}', False),
        ({"json": {"code": [1, 2]}}, b'{"code": 2}', True),
        ({"json": {"id": "present"}}, b'{"id": null}', False),
        ({"json": {"id": "present"}}, b'{"id": ""}', True),
        ({"json": {"error": "absent"}}, b'{"error": null}', True),
        ({"json": {"error": "absent"}}, b'{"error": 1}', False),
        ({"json": {"0.id": 7}}, b'[{"id": 7}]', True),
        ({"json": {"1.id": 7}}, b'[{"id": 7}]', False),
        ({"json": {"m.*.s": "0"}}, b'{"m": [{"s": "1"}, {"s": "0"}]}', True),
        ({"json": {"sms.{{phone}}.code": 100}}, b'{"sms": {"79991234567": {"code": 100}}}', True),
        ({"json": {"sms.{{phone}}.code": 100}}, b'{"sms": {"79990000000": {"code": 100}}}', False),
        ({"json": {"a": 1, "b": 2}}, b'{"a": 1, "b": 3}', False),
        ({"json": {"a": 1}}, b"<html>", False),
        ({"json": {"a": "absent"}}, b"<html>", True),
        ({"text": "^OK"}, b"OK 17", True),
        ({"text": "^OK"}, b"KO", False),
        ({"status": 201}, b"", False),
        ({"status": "200-299"}, b"", True),
        ({"status": [201, 200]}, b"", True),
    ],
)
def test_a_rule_matches_by_what_it_names(when: dict[str, Any] | None, body: bytes, matches: bool) -> None:
    assert verdict(when, body) is matches


def test_the_first_rule_that_matches_decides() -> None:
    rules = [
        {"when": {"json": {"code": 4}}, "verdict": "hold", "reason": "no money"},
        {"when": {"status": 200}, "verdict": "accepted"},
    ]
    found = judge(rules, a_reply(b'{"code": 4}'))
    assert (found.verdict, found.reason, found.rule, found.not_taken) == ("hold", "no money", 0, True)
    assert judge(rules, a_reply(b"{}")).rule == 1


def test_an_acceptance_keeps_the_id_and_the_sum_of_the_costs() -> None:
    rule = {"verdict": "accepted", "provider_id": "m.*.id", "cost": "m.*.price"}
    found = judge([rule], a_reply(b'{"m": [{"id": "x1", "price": "0.05"}, {"id": "x2", "price": 0.1}]}'))
    assert (found.provider_id, found.cost) == ("x1", Decimal("0.15"))
    assert judge([rule], a_reply(b'{"m": [{"id": "x1", "price": "free"}]}')).cost is None


def test_groups_of_a_pattern_are_kept() -> None:
    rule = {"when": {"text": 'Success "(?P<provider_id>[0-9a-f-]+)"'}, "verdict": "accepted"}
    assert judge([rule], a_reply(b'Success "07033084-5cfd"')).provider_id == "07033084-5cfd"


@pytest.mark.parametrize(
    ("asked", "reply", "seconds"),
    [
        ("10m", a_reply(b"{}", 429), 600),
        ("Retry-After", a_reply(b"{}", 429, retry_after="7"), 7),
        (None, a_reply(b"{}", 429, retry_after="7"), 7),
        ("parameters.retry_after", a_reply(b'{"parameters": {"retry_after": 35}}', 429), 35),
        ("parameters.retry_after", a_reply(b'{"parameters": {"retry_after": 9999999}}', 429), None),
    ],
)
def test_throttled_says_for_how_long(asked: str | None, reply: Reply, seconds: int | None) -> None:
    found = judge([{"verdict": "throttled", "retry_after": asked}], reply)
    assert found.retry_after == (None if seconds is None else timedelta(seconds=seconds))
    assert not found.spends_budget


@pytest.mark.parametrize(
    ("reply", "expected", "spends", "not_taken"),
    [
        (a_reply(b"x", 200), "unknown", True, False),
        (a_reply(b"", 302), "hold", False, True),
        (a_reply(b"", 400), "permanent", False, True),
        (a_reply(b"", 401), "hold", False, True),
        (a_reply(b"", 402), "hold", False, True),
        (a_reply(b"", 403), "hold", False, True),
        (a_reply(b"", 404), "hold", False, True),
        (a_reply(b"", 405), "hold", False, True),
        (a_reply(b"", 408), "unknown", True, False),
        (a_reply(b"", 429), "throttled", False, True),
        (a_reply(b"", 500), "unknown", True, False),
        (a_reply(b"", 0), "unknown", True, False),
        (Reply("timeout"), "unknown", True, False),
        (Reply("broken"), "unknown", True, False),
        (Reply("unreachable"), "temporary", False, True),
    ],
)
def test_a_reply_without_a_rule_has_the_usual_meaning(
    reply: Reply, expected: str, spends: bool, not_taken: bool
) -> None:
    found = judge([{"when": {"text": "never"}, "verdict": "accepted"}], reply)
    assert (found.verdict, found.spends_budget, found.not_taken) == (expected, spends, not_taken)
    assert found.outcome in OUTCOMES
    assert ":" not in found.reason


def test_temporary_by_a_rule_was_not_taken_and_spends_budget() -> None:
    found = judge([{"verdict": "temporary"}], a_reply(b"", 503))
    assert (found.not_taken, found.spends_budget, found.outcome) == (True, True, "server_error")


def test_every_verdict_has_an_outcome_that_is_counted() -> None:
    assert set(OUTCOMES_BY_VERDICT.values()) <= OUTCOMES
