"""Verdicts that come again and again for one message, or by one rule, get a harder one. Pure."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from services.dispatcher.provider_api.replies import Classification

THROTTLES, HOLDS = 3, 3
REFUSALS_IN_A_ROW = 20
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """How often a message got a verdict, and how many acceptances there were by then."""

    times: int
    accepted: int


class Escalation:
    """The memory of one provider's verdicts.

    Throttled three times while others pass is temporary; held three times with successes between is permanent; and 20
    refusals by one rule, with no acceptance between, are our own fault and not that of 20 recipients: hold.
    """

    def __init__(self) -> None:
        self._accepted = 0
        self._seen: OrderedDict[tuple[int, str], _Seen] = OrderedDict()
        self._refusal: object = None
        self._refusals = 0

    def judge(self, message_id: int, found: Classification) -> Classification:
        """Returns the verdict on a reply, which may be harder than the rule's."""
        match found.verdict:
            case "accepted":
                self._accepted += 1
                self._refusal, self._refusals = None, 0
            case "throttled":
                if self._times(message_id, "throttled") >= THROTTLES:
                    return replace(found, verdict="temporary", counted=True)
            case "hold":
                if self._times(message_id, "hold") >= HOLDS:
                    return replace(found, verdict="permanent")
            case "permanent":
                return self._judge_refusal(found)
        return found

    def _times(self, message_id: int, verdict: str) -> int:
        """Counts a verdict of a message, if others were accepted since the last one."""
        seen = self._seen.pop((message_id, verdict), None)
        times = 1 if seen is None else seen.times + (self._accepted > seen.accepted)
        self._seen[message_id, verdict] = _Seen(times, self._accepted)
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return times

    def _judge_refusal(self, found: Classification) -> Classification:
        rule = found.reason if found.rule is None else found.rule
        self._refusals = self._refusals + 1 if rule == self._refusal else 1
        self._refusal = rule
        if self._refusals < REFUSALS_IN_A_ROW:
            return found
        reason = f"{REFUSALS_IN_A_ROW} refusals in a row, {found.reason}"[:100]
        return replace(found, verdict="hold", reason=reason, elsewhere=False, opt_out=False)
