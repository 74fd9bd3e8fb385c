"""Compiles the rules of a provider into a function from a reply to its meaning. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from services.dispatcher.provider_api.replies import Classification, Reply, ReplyVerdict
from services.dispatcher.provider_api.reply_body import Unread, parse_body
from services.dispatcher.provider_api.retry_after import LONGEST_RETRY_AFTER, read_retry_after
from services.dispatcher.providers.json_paths import Find, compile_path
from services.dispatcher.providers.message_values import MessageValues
from services.dispatcher.providers.unmatched import OUTCOMES_BY_VERDICT, classify_unmatched
from shared.providers.durations import is_duration, read_duration
from shared.providers.rule_checks import ABSENT, PRESENT, RETRY_AFTER, as_text, read_statuses, values_of
from shared.providers.schema import ReplyCondition, ReplyRule

LONGEST_ID = 200
MOST_COST = Decimal(1_000_000)
_NUMBER = re.compile(r"-?\d{1,12}(?:[.,]\d{1,9})?", re.ASCII)

Classify = Callable[[Reply, MessageValues | None], Classification]


class _ReadReply:
    """A reply whose body is parsed at the first rule that asks for it."""

    __slots__ = ("_parsed", "_tree", "groups", "reply", "values")

    def __init__(self, reply: Reply, values: MessageValues | None) -> None:
        self.reply = reply
        self.values = values
        self.groups: dict[str, str] = {}
        self._parsed = False
        self._tree: Any = None

    @property
    def tree(self) -> Any:
        """The body as JSON; None where it is none."""
        if not self._parsed:
            found = parse_body(self.reply.body)
            self._tree, self._parsed = None if isinstance(found, Unread) else found, True
        return self._tree

    def text_of(self, find: Find) -> str | None:
        """Returns the first scalar at a path."""
        for one in find(self.tree, self.values):
            if isinstance(one, str | int | float) and not isinstance(one, bool):
                return str(one)[:LONGEST_ID]
        return None


_Test = Callable[[_ReadReply], bool]
_Build = Callable[[_ReadReply], Classification]


def compile_rules(rules: Sequence[ReplyRule]) -> Classify:
    """Compiles rules: the first that matches decides. A reply that none matches has the usual meaning of HTTP."""
    compiled = [(_compile_condition(rule.when), _compile_meaning(number, rule)) for number, rule in enumerate(rules)]

    def classify(reply: Reply, values: MessageValues | None) -> Classification:
        if reply.kind != "answered" or reply.http_status is None:
            return classify_unmatched(reply)
        read = _ReadReply(reply, values)
        for matches, build in compiled:
            if matches(read):
                return build(read)
        return classify_unmatched(reply)

    return classify


def _compile_condition(when: ReplyCondition | None) -> _Test:
    if when is None:
        return lambda _: True
    tests: list[_Test] = []
    if when.status is not None:
        statuses = read_statuses(when.status)
        tests.append(lambda read: read.reply.http_status in statuses)
    tests += [_compile_json(path, wanted) for path, wanted in (when.json_ or {}).items()]
    if when.text is not None:
        tests.append(_compile_pattern(re.compile(when.text)))
    return tests[0] if len(tests) == 1 else lambda read: all(test(read) for test in tests)


def _compile_json(path: str, wanted: Any) -> _Test:
    find = compile_path(path)
    if wanted == PRESENT:
        return lambda read: any(one is not None for one in find(read.tree, read.values))
    if wanted == ABSENT:
        return lambda read: all(one is None for one in find(read.tree, read.values))
    texts = frozenset(values_of(wanted))
    return lambda read: any(
        as_text(one) in texts for one in find(read.tree, read.values) if not isinstance(one, dict | list | None)
    )


def _compile_pattern(pattern: "re.Pattern[str]") -> _Test:
    def matches(read: _ReadReply) -> bool:
        found = pattern.search(read.reply.body.decode("utf-8", "replace"))
        if found is not None:
            read.groups = {name: text for name, text in found.groupdict().items() if text is not None}
        return found is not None

    return matches


def _compile_meaning(number: int, rule: ReplyRule) -> _Build:
    provider_id, cost, asked = _compile_id(rule), _compile_cost(rule), _compile_retry_after(rule)
    keeps, waits = rule.verdict in {"accepted", "duplicate"}, rule.verdict in {"throttled", "temporary", "hold"}

    def build(read: _ReadReply) -> Classification:
        meaning = _meaning(rule, number, read.reply)
        if keeps:
            return replace(meaning, provider_id=provider_id(read), cost=cost(read))
        return replace(meaning, retry_after=asked(read)) if waits else meaning

    return build


def _meaning(rule: ReplyRule, number: int, reply: Reply) -> Classification:
    verdict: ReplyVerdict = rule.verdict
    outcome = OUTCOMES_BY_VERDICT[verdict]
    if verdict in {"temporary", "unknown"} and (reply.http_status or 0) >= 500:
        outcome = "server_error"
    return Classification(
        verdict,
        outcome,
        rule.reason or f"HTTP {reply.http_status}",
        not_taken=verdict in {"temporary", "throttled", "permanent", "hold"},
        counted=verdict == "temporary",
        elsewhere=rule.elsewhere,
        opt_out=rule.opt_out,
        rule=number,
    )


def _compile_id(rule: ReplyRule) -> Callable[[_ReadReply], str | None]:
    if rule.provider_id is None:
        return lambda read: read.groups.get("provider_id")
    find = compile_path(rule.provider_id)
    return lambda read: read.text_of(find)


def _compile_cost(rule: ReplyRule) -> Callable[[_ReadReply], Decimal | None]:
    if rule.cost is None:
        return lambda read: _sum([read.groups["cost"]]) if "cost" in read.groups else None
    find = compile_path(rule.cost)
    return lambda read: _sum(find(read.tree, read.values))


def _sum(found: Sequence[Any]) -> Decimal | None:
    """Adds amounts. None where there is none, or one cannot be read."""
    total: Decimal | None = None
    for one in found:
        text = str(one).strip()
        if isinstance(one, bool) or not _NUMBER.fullmatch(text):
            return None
        try:
            total = (total or Decimal(0)) + Decimal(text.replace(",", "."))
        except InvalidOperation:
            return None
    return total if total is not None and abs(total) <= MOST_COST else None


def _compile_retry_after(rule: ReplyRule) -> Callable[[_ReadReply], timedelta | None]:
    asked = rule.retry_after
    if asked is not None and is_duration(asked):
        literal = read_duration(asked)
        return lambda _: literal
    if asked is None or asked.lower() == RETRY_AFTER:
        return lambda read: _seconds(read.groups.get("retry_after")) or _header(read.reply)
    find = compile_path(asked)
    return lambda read: _seconds(read.text_of(find))


def _header(reply: Reply) -> timedelta | None:
    return read_retry_after(reply.retry_after, reply.date)


def _seconds(text: str | None) -> timedelta | None:
    if text is None or not _NUMBER.fullmatch(text) or text.startswith("-"):
        return None
    seconds = timedelta(seconds=float(text.replace(",", ".")))
    return seconds if seconds <= LONGEST_RETRY_AFTER else None
