"""Carries out what replay_rules decides: new rounds in one transaction, bodies published, letters acknowledged."""

from collections import defaultdict
from collections.abc import Sequence

from services.api.audit.log import Origin, record
from services.api.dead_letters import store
from services.api.dead_letters.queues import DeadQueueSession, FetchedLetter
from services.api.dead_letters.replay_rules import NewRound, ReplayDecision, ReplayRefusal, judge
from services.api.dead_letters.responses import LetterError
from services.api.mailings import resend_store
from shared import logs
from shared.broker import Outgoing
from shared.database import Connection, Pool, retry_on_deadlock
from shared.messages import Job

MOST_ERRORS = 100

log = logs.get()


class Replayer:
    """Replays groups of letters, and counts the results.

    A letter is acknowledged only after its decision was carried out. A crash in between leaves the letter in its queue;
    replaying it again does no harm, since its message is under way by then, and the claim absorbs the duplicate.
    """

    def __init__(self, pool: Pool, queues: DeadQueueSession, origin: Origin) -> None:
        self._pool = pool
        self._queues = queues
        self._origin = origin
        self.replayed = 0
        self.refused = 0
        self.errors: list[LetterError] = []
        # The mailings with messages that got a new round.
        self.mailing_ids: set[int] = set()

    async def replay(self, group: Sequence[FetchedLetter]) -> None:
        if not group:
            return
        decisions = await retry_on_deadlock(lambda: self._decide(group))
        _log_decisions(group, decisions)
        self.mailing_ids |= {one.mailing_id for one in decisions if isinstance(one, NewRound)}
        done = [found for found, decision in zip(group, decisions, strict=True) if isinstance(decision, NewRound)]
        done += await self._publish(group, decisions)
        for found, decision in zip(group, decisions, strict=True):
            if isinstance(decision, ReplayRefusal):
                self.refuse(found.letter.id, decision.reason)
        await self._queues.acknowledge(done)
        self.replayed += len(done)

    def refuse(self, letter_id: str, reason: str) -> None:
        self.refused += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(LetterError(id=letter_id, detail=reason))

    async def _decide(self, group: Sequence[FetchedLetter]) -> list[ReplayDecision]:
        """Decides about a group while its mailings are locked, and requests the new rounds."""
        jobs = [found.letter.body for found in group if isinstance(found.letter.body, Job)]
        async with self._pool.acquire() as connection, connection.transaction():
            await store.lock_mailings(connection, sorted({job.mailing_id for job in jobs}))
            facts = await store.message_facts(connection, [job.message_id for job in jobs])
            decisions = [judge(found.letter, facts.get(found.letter.message_id or 0)) for found in group]
            await self._ask(connection, [one for one in decisions if isinstance(one, NewRound)])
        return decisions

    async def _ask(self, connection: Connection, rounds: Sequence[NewRound]) -> None:
        by_mailing: dict[int, set[int]] = defaultdict(set)
        for one in rounds:
            by_mailing[one.mailing_id].add(one.message_id)
        for mailing_id, message_ids in by_mailing.items():
            await resend_store.add_messages(connection, mailing_id, sorted(message_ids), self._origin.request_id)
            await record(connection, mailing_id, "resent", self._origin, messages=len(message_ids))
        for mailing_id in {one.mailing_id for one in rounds if one.restarts}:
            await resend_store.run_until(connection, mailing_id, None, restarts=True)

    async def _publish(
        self, group: Sequence[FetchedLetter], decisions: Sequence[ReplayDecision]
    ) -> list[FetchedLetter]:
        """Publishes the bodies that return to their queues, and returns the letters that the broker confirmed."""
        wanted = [
            (found, decision)
            for found, decision in zip(group, decisions, strict=True)
            if isinstance(decision, Outgoing)
        ]
        confirmed = await self._queues.publish([outgoing for _, outgoing in wanted])
        for (found, _), done in zip(wanted, confirmed, strict=True):
            if not done:
                self.refuse(found.letter.id, "the broker did not confirm it: try again")
        return [found for (found, _), done in zip(wanted, confirmed, strict=True) if done]


def _log_decisions(group: Sequence[FetchedLetter], decisions: Sequence[ReplayDecision]) -> None:
    """Logs the decision about each letter."""
    for found, decision in zip(group, decisions, strict=True):
        letter = found.letter
        ids = {"letter_id": letter.id, "mailing_id": letter.mailing_id, "message_id": letter.message_id}
        if isinstance(decision, ReplayRefusal):
            log.info("replay refused", **ids, reason=decision.reason)
        else:
            log.info("letter replayed", **ids, new_round=isinstance(decision, NewRound))
