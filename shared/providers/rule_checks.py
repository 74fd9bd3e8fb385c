"""What must be true of the rules for replies: each can match, and a success is among them. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.providers.durations import is_duration
from shared.providers.placeholders import RequestPlaceholder, is_known, parse_text
from shared.providers.schema import ReplyCondition, ReplyRule

PRESENT, ABSENT = "present", "absent"
RETRY_AFTER = "retry-after"
_RANGE = re.compile(r"([1-5]\d\d)-([1-5]\d\d)")
_PATH = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")


def read_statuses(status: int | str | Sequence[int | str]) -> frozenset[int]:
    """Reads a status, a range "500-599", or a list of both. Raises ValueError."""
    found: set[int] = set()
    for one in [status] if isinstance(status, int | str) else status:
        text = str(one)
        bounds = _RANGE.fullmatch(text)
        if bounds is not None:
            low, high = int(bounds[1]), int(bounds[2])
        elif re.fullmatch(r"[1-5]\d\d", text):
            low = high = int(text)
        else:
            raise ValueError(f"{text} is no status like 200, and no range like 500-599")
        if low > high:
            raise ValueError(f"{text} holds no status")
        found |= set(range(low, high + 1))
    if not found:
        raise ValueError("holds no status")
    return frozenset(found)


def check_rules(rules: Sequence[ReplyRule], first: int, preset: str | None) -> list[str]:
    """Returns the faults of a provider's rules, each with its path. The first `first` stand in `reply_first`.

    That a rule of the preset is shadowed by one of the file is no fault: it is what `reply_first` is for.
    """
    faults: list[str] = []
    for number, rule in enumerate(rules):
        path = f"reply_first[{number}]" if number < first else f"reply[{number - first}]"
        faults += [f"{path}{fault}" for fault in _check_rule(rule)]
    if faults:
        return faults
    for number, rule in enumerate(rules):
        of_preset = number >= first and preset is not None and first > 0
        before = rules[first:number] if of_preset else rules[:number]
        if any(_covers(earlier.when, rule.when) for earlier in before):
            path = f"reply_first[{number}]" if number < first else f"reply[{number - first}]"
            faults.append(f"{path}: can never match: a rule before it matches all that this one does")
    if not any(rule.verdict == "accepted" for rule in rules):
        faults.append("reply: no rule says that a message was accepted")
    return faults


def _check_rule(rule: ReplyRule) -> Iterator[str]:
    if rule.when is not None:
        yield from (f".when{fault}" for fault in _check_condition(rule.when))
    if (rule.elsewhere or rule.opt_out) and rule.verdict != "permanent":
        yield ": elsewhere and opt_out belong to the verdict permanent"
    if rule.elsewhere and rule.opt_out:
        yield ": who opted out is not to be sent to elsewhere"
    for key, path in (("provider_id", rule.provider_id), ("cost", rule.cost)):
        if path is not None and not _PATH.fullmatch(path):
            yield f".{key}: is no path like data.0.id"
    asked = rule.retry_after
    if asked is not None:
        if rule.verdict not in {"throttled", "temporary", "hold"}:
            yield ".retry_after: belongs to the verdicts throttled, temporary and hold"
        elif asked.lower() != RETRY_AFTER and not is_duration(asked) and not _PATH.fullmatch(asked):
            yield ".retry_after: is neither Retry-After, nor a duration like 10m, nor a path"


def _check_condition(when: ReplyCondition) -> Iterator[str]:
    if when.status is None and not when.json_ and when.text is None:
        yield ": is empty: leave it out for a rule that matches every reply"
    if when.status is not None:
        try:
            read_statuses(when.status)
        except ValueError as error:
            yield f".status: {error}"
    for path, wanted in (when.json_ or {}).items():
        if not _PATH.fullmatch(path):
            yield f".json.{path}: is no path like data.0.id"
        for part in parse_text(path):
            if isinstance(part, RequestPlaceholder) and not is_known(part.name):
                yield f".json.{path}: unknown placeholder {{{{{part.name}}}}}"
        if isinstance(wanted, Mapping) or wanted is None or wanted == []:
            yield f".json.{path}: must be a value, a list of values, present or absent"


def _covers(wide: ReplyCondition | None, narrow: ReplyCondition | None) -> bool:
    """Says whether every reply that `narrow` matches is matched by `wide`, as far as that can be seen."""
    if wide is None:
        return True
    if narrow is None:
        return False
    if wide.text is not None and wide.text != narrow.text:
        return False
    if wide.status is not None and (
        narrow.status is None or not read_statuses(narrow.status) <= read_statuses(wide.status)
    ):
        return False
    known = narrow.json_ or {}
    return all(path in known and _within(known[path], wanted) for path, wanted in (wide.json_ or {}).items())


def _within(narrow: Any, wide: Any) -> bool:
    if ABSENT in (narrow, wide):
        return bool(narrow == wide)
    return wide == PRESENT or set(values_of(narrow)) <= set(values_of(wide))


def values_of(wanted: Any) -> tuple[str, ...]:
    """Returns the texts that a value of a reply is compared with."""
    return tuple(as_text(one) for one in (wanted if isinstance(wanted, list) else [wanted]))


def as_text(value: object) -> str:
    """Writes a scalar of JSON as it stands there: 0 and "0" are the same, true is true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
