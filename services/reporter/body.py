"""Reads a result body: whole, or as much of it as can be read. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from shared.messages import AttemptNumber, Identifier, Result, Results, Unreadable, decode
from shared.statuses import AttemptOutcome, ResultStatus

# A damaged body is searched for so many results: no body of Herald's has more than 200.
MOST_SALVAGED = 1000


class LeastResult(msgspec.Struct, frozen=True, kw_only=True):
    """The least form of a result that cannot be read or folded in full: enough to close its claim.

    Its moments are unknown. It counts as a failure of its round, as a lost attempt does: the provider may have the
    message. It has the fields of a result.
    """

    message_id: Identifier
    number: AttemptNumber
    status: ResultStatus

    @property
    def outcome(self) -> AttemptOutcome:
        return "unreadable"

    @property
    def reason(self) -> str | None:
        return None if self.status in {"retrying", "sent"} else "result unreadable"

    @property
    def failed(self) -> bool:
        return self.status in {"retrying", "exhausted"}

    @property
    def queued(self) -> bool:
        """False: the planner releases the next attempt. A job of it that is on the broker dies in the claim."""
        return False

    @property
    def started_at(self) -> None:
        return None

    @property
    def due_at(self) -> None:
        return None

    @property
    def duration_ms(self) -> None:
        return None

    @property
    def http_status(self) -> None:
        return None

    @property
    def detail(self) -> None:
        return None

    @property
    def provider(self) -> None:
        return None

    @property
    def provider_id(self) -> None:
        return None

    @property
    def cost(self) -> None:
        return None

    @property
    def unsure(self) -> bool:
        return False

    @property
    def refused(self) -> bool:
        return False


FoldableResult = Result | LeastResult


@dataclass(frozen=True, slots=True)
class FoldableBody:
    """What can be folded of a body. `error`: why the body belongs in the dead queue afterwards, None if it does not."""

    results: Sequence[FoldableResult]
    fence: datetime | None = None
    error: str | None = None

    def split(self) -> "list[FoldableBody]":
        """Splits a body into one for each result, and one for its fence, which comes last."""
        parts = [FoldableBody([result]) for result in self.results]
        return parts if self.fence is None else [*parts, FoldableBody([], self.fence)]


def read_body(raw: bytes) -> FoldableBody:
    """Reads a body of the results queue, whatever it holds.

    Of a damaged one those results are returned that name their message, number and status. Its fence is not: it would
    pass the results that were not found.
    """
    try:
        body = decode(Results, raw)
    except Unreadable as error:
        return FoldableBody(list(_salvage(raw)), None, str(error))
    return FoldableBody(body.results, body.fence)


def least_form(result: FoldableResult) -> LeastResult:
    """Returns the least form of a result."""
    return LeastResult(message_id=result.message_id, number=result.number, status=result.status)


def _salvage(raw: bytes) -> Iterator[FoldableResult]:
    try:
        body = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return
    found = body.get("results") if isinstance(body, dict) else None
    for item in (found if isinstance(found, list) else [])[:MOST_SALVAGED]:
        result = _convert(item, Result) or _convert(item, LeastResult)
        if result is not None:
            yield result


def _convert(item: Any, kind: type[Result] | type[LeastResult]) -> FoldableResult | None:
    try:
        return msgspec.convert(item, kind)
    except (msgspec.ValidationError, ValueError, RecursionError):
        return None
