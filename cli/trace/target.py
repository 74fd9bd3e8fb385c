"""The target of a trace, and which log lines are about it. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["mailing", "message", "client"]
# How a line relates to the target: to the whole of it, or only to single messages of a traced mailing.
Relation = Literal["whole", "messages"]
# A pattern with more numbers is slower than parsing every line.
MAX_PATTERN_IDS = 50

ABOUT_MESSAGES = ("message_id", "message_ids", "first_message_id")


@dataclass(frozen=True, slots=True)
class Target:
    """What is traced, and the ids that its log lines may carry.

    - `mailing_ids`, `client_ids`: lines with these belong to the target, unless they are about other messages.
    - `message_ids`: the messages of the target; empty for a mailing, which may have a million.
    - `request_ids`: the API requests that created the target.
    """

    kind: Kind
    id: int
    mailing_ids: frozenset[int] = frozenset()
    message_ids: frozenset[int] = frozenset()
    client_ids: frozenset[int] = frozenset()
    request_ids: frozenset[str] = frozenset()


def search_pattern(target: Target) -> re.Pattern[bytes] | None:
    """Returns a pattern that matches every line about the target, to be searched for before a line is parsed as JSON.

    Returns None if parsing every line is faster.
    """
    numbers = target.mailing_ids | target.message_ids | target.client_ids
    if len(numbers) > MAX_PATTERN_IDS:
        return None
    parts = [rf"(?<![0-9]){number}(?![0-9])" for number in sorted(numbers)]
    return re.compile("|".join([*parts, *map(re.escape, sorted(target.request_ids))]).encode())


def relation_of(event: Mapping[str, Any], target: Target) -> Relation | None:
    """Returns how a log line relates to the target, or None if it does not."""
    about_messages = any(event.get(key) is not None for key in ABOUT_MESSAGES)
    if target.kind == "mailing":
        if _holds(event, "mailing_id", "mailing_ids", target.mailing_ids):
            return "messages" if about_messages else "whole"
    elif _holds(event, "message_id", "message_ids", target.message_ids) or _spans(event, target):
        return "whole"
    if about_messages:
        return None
    if _holds(event, "client_id", "client_ids", target.client_ids):
        return "whole"
    if target.kind == "message" and _holds(event, "mailing_id", "mailing_ids", target.mailing_ids):
        return "whole"
    return "whole" if event.get("request_id") in target.request_ids else None


def _holds(event: Mapping[str, Any], one: str, many: str, wanted: frozenset[int]) -> bool:
    found = event.get(many)
    return event.get(one) in wanted or (isinstance(found, list) and not wanted.isdisjoint(_numbers(found)))


def _numbers(found: Iterable[object]) -> Iterable[int]:
    return (item for item in found if isinstance(item, int))


def _spans(event: Mapping[str, Any], target: Target) -> bool:
    """Returns whether the line's range of new message ids contains a message of the target."""
    first, last = event.get("first_message_id"), event.get("last_message_id")
    if not isinstance(first, int) or not isinstance(last, int) or event.get("mailing_id") not in target.mailing_ids:
        return False
    return any(first <= message_id <= last for message_id in target.message_ids)
