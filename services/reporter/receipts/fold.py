"""Folds receipts into the tables: idempotent, free of order, in one transaction for a batch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from services.reporter import store as results
from services.reporter.receipts import store
from services.reporter.receipts.delivery import DeliveryState, Fate, ReceiptFacts, advance, judge
from services.reporter.receipts.store import DeliveryKey, TimeKey
from services.reporter.tally import MessageUpdate
from shared.database import Connection, Pool, retry_on_deadlock
from shared.messages import Receipt, Receipts

# Times the delay of the retry queue: about ten minutes.
MOST_WAITS = 40
STRANGE = "no message at this provider has the id of the receipt"
TOO_EARLY = "no result of a send came within ten minutes of the receipt"


@dataclass(slots=True)
class FoldedReceipts:
    """What became of a batch: what was folded by (provider, delivery), and bodies to wait or to be dead-lettered.

    `delays`: the provider, and the seconds from the send to the arrival of a receipt that says delivered.
    """

    folded: Counter[tuple[str, str]] = field(default_factory=Counter)
    message_ids: list[int] = field(default_factory=list)
    proved: list[int] = field(default_factory=list)
    waiting: list[Receipts] = field(default_factory=list)
    dead: list[tuple[Receipts, str]] = field(default_factory=list)
    unsent: int = 0
    delays: list[tuple[str, float]] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """The changes of one transaction."""

    facts: dict[int, ReceiptFacts]
    states: dict[int, DeliveryState | None]
    changed: dict[int, str] = field(default_factory=dict)
    proved: dict[int, tuple[Receipts, Receipt]] = field(default_factory=dict)
    opted_out: dict[int, str] = field(default_factory=dict)


async def fold(pool: Pool, bodies: Sequence[Receipts]) -> FoldedReceipts:
    """Folds these bodies. A receipt of a message that may still get its result is to wait, and is not folded."""
    return await retry_on_deadlock(lambda: _fold(pool, bodies))


async def _fold(pool: Pool, bodies: Sequence[Receipts]) -> FoldedReceipts:
    done = FoldedReceipts()
    async with pool.acquire() as connection, connection.transaction():
        found = await _find(connection, bodies)
        message_ids = sorted(set(found.values()))
        await results.lock_messages(connection, message_ids)
        facts = await store.read_facts(connection, message_ids)
        batch = _Batch(facts, {one: facts[one].delivery for one in facts})
        for body in bodies:
            _sort(body, found, batch, done)
        await _write(connection, batch)
    return done


async def _find(connection: Connection, bodies: Sequence[Receipts]) -> dict[tuple[str, Receipt], int]:
    """Finds the message of each receipt: our own id is taken as it is."""
    asked = [
        (body.provider, one.provider_id)
        for body in bodies
        for one in body.receipts
        if one.message_id is None and one.provider_id is not None
    ]
    known = await store.find_messages(connection, asked) if asked else {}
    found = {}
    for body in bodies:
        for one in body.receipts:
            message_id = one.message_id or known.get((body.provider, one.provider_id or ""))
            if message_id is not None:
                found[body.provider, one] = message_id
    return found


def _sort(body: Receipts, found: dict[tuple[str, Receipt], int], batch: _Batch, done: FoldedReceipts) -> None:
    """Takes each receipt of a body where it belongs: into the batch, or back to wait, or to the dead letters."""
    waiting: list[Receipt] = []
    strange: list[Receipt] = []
    for receipt in body.receipts:
        facts = batch.facts.get(found.get((body.provider, receipt), 0))
        fate = _fate(body.provider, receipt, facts)
        if facts is None or fate == "wait" or fate == "strange":
            (strange if fate == "strange" else waiting).append(receipt)
        elif fate == "unsent":
            done.unsent += 1
        else:
            _take(body, receipt, facts, fate, batch, done)
    if strange:
        done.dead.append((replace(body, receipts=strange), STRANGE))
    if waiting and body.waits >= MOST_WAITS:
        done.dead.append((replace(body, receipts=waiting), TOO_EARLY))
    elif waiting:
        done.waiting.append(replace(body, receipts=waiting, waits=body.waits + 1))


def _fate(provider: str, receipt: Receipt, facts: ReceiptFacts | None) -> Fate:
    if facts is None:
        # A message is in the tables before its request begins; the provider's id comes with the result.
        return "strange" if receipt.message_id is not None else "wait"
    return judge(provider, facts)


def _take(
    body: Receipts, receipt: Receipt, facts: ReceiptFacts, fate: Fate, batch: _Batch, done: FoldedReceipts
) -> None:
    message_id = facts.message_id
    if fate == "prove" and message_id not in batch.proved:
        batch.proved[message_id] = (body, receipt)
        done.proved.append(message_id)
    if receipt.opt_out:
        batch.opted_out[facts.client_id] = body.provider
    sent_at = facts.final_at if fate == "fold" else None
    state = advance(batch.states[message_id], receipt, body.received_at, sent_at)
    if state is None:
        return
    batch.states[message_id], batch.changed[message_id] = state, body.provider
    done.folded[body.provider, state.delivery] += 1
    done.message_ids.append(message_id)
    if state.delivery == "delivered" and sent_at is not None:
        done.delays.append((body.provider, max((body.received_at - sent_at).total_seconds(), 0.0)))


async def _write(connection: Connection, batch: _Batch) -> None:
    if batch.proved:
        await _settle(connection, batch)
    changed = [
        (batch.facts[message_id], provider, state)
        for message_id, provider in sorted(batch.changed.items())
        if (state := batch.states[message_id]) is not None
    ]
    if changed:
        await store.write_deliveries(connection, changed)
    counts, times = _count(batch, changed)
    if counts:
        await store.count_deliveries(connection, counts)
    if times:
        await store.count_times(connection, times)
    if batch.opted_out:
        await results.note_opt_outs(connection, batch.opted_out)


async def _settle(connection: Connection, batch: _Batch) -> None:
    """Makes messages sent that were taken, though nobody read an acceptance."""
    updates = [
        _update(batch.facts[message_id], body.provider, receipt, body.received_at)
        for message_id, (body, receipt) in sorted(batch.proved.items())
    ]
    await results.settle(connection, updates)
    await results.note_providers(connection, updates)


def _update(facts: ReceiptFacts, provider: str, receipt: Receipt, received_at: datetime) -> MessageUpdate:
    return MessageUpdate(
        message_id=facts.message_id,
        number=facts.attempts,
        status="sent",
        reason=None,
        final_at=received_at,
        due_at=None,
        queued=False,
        first_try=None,
        provider=provider,
        provider_id=receipt.provider_id,
    )


def _count(
    batch: _Batch, changed: Sequence[tuple[ReceiptFacts, str, DeliveryState]]
) -> tuple[Counter[DeliveryKey], Counter[TimeKey]]:
    counts: Counter[DeliveryKey] = Counter()
    times: Counter[TimeKey] = Counter()
    for facts, provider, state in changed:
        place = facts.mailing_id, facts.counted_at or provider, facts.operator_code
        before = facts.delivery
        if before is not None:
            counts[(*place, before.delivery, before.reason)] -= 1
        counts[(*place, state.delivery, state.reason)] += 1
        if state.bucket is not None:
            times[(*place, state.bucket)] += 1
    for message_id, (body, _) in batch.proved.items():
        facts = batch.facts[message_id]
        counts[(facts.mailing_id, body.provider, facts.operator_code, "proved", "")] += 1
    return counts, times
