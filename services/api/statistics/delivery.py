"""Statistics of delivery: what receipts say of the messages of a mailing, by provider and by operator code."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
from aiohttp import web

from services.api.receipts.mappings import RECEIPTS
from services.api.statistics.delivery_responses import (
    DeliveryReasonCount,
    MailingDelivery,
    OperatorDelivery,
    ProviderDelivery,
    TimeToHandset,
)
from services.api.web.context import id_in, pool_of
from services.api.web.problems import not_found
from services.api.web.responses import reply
from shared.database import Pool
from shared.providers.delivery_times import percentile


@dataclass(slots=True)
class DeliveryTally:
    """Messages by delivery, and delivered ones by the bucket of their time to the handset."""

    counts: Counter[str] = field(default_factory=Counter)
    times: Counter[int] = field(default_factory=Counter)

    @property
    def receipts(self) -> int:
        return self.counts["delivered"] + self.counts["undelivered"] + self.counts["waiting"]

    @property
    def time_to_handset(self) -> TimeToHandset:
        return TimeToHandset(p50=percentile(self.times, 0.5), p95=percentile(self.times, 0.95))


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """The counters of one mailing. `accepted`: acceptances by provider. `ended_at` is None while it runs."""

    now: datetime
    ended_at: datetime | None
    accepted: Mapping[str, int]
    rows: list[asyncpg.Record]
    times: list[asyncpg.Record]


async def show(request: web.Request) -> web.Response:
    mailing_id = id_in(request, "mailing")
    figures = await _read(pool_of(request), mailing_id)
    if figures is None:
        raise not_found("mailing")
    return reply(present(mailing_id, figures, request.app[RECEIPTS].providers))


async def _read(pool: Pool, mailing_id: int) -> DeliveryFigures | None:
    """Reads all counters of a mailing in one snapshot."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        mailing = await connection.fetchrow(
            "SELECT now() AS now, finished_at FROM mailings WHERE id = $1 AND deleted_at IS NULL AND NOT test",
            mailing_id,
        )
        if mailing is None:
            return None
        accepted = await connection.fetch(
            "SELECT provider, count FROM provider_outcomes WHERE mailing_id = $1 AND outcome = 'accepted'", mailing_id
        )
        rows = await connection.fetch(
            "SELECT provider, operator_code, delivery, reason, count FROM delivery_counts"
            " WHERE mailing_id = $1 AND count > 0",
            mailing_id,
        )
        times = await connection.fetch(
            "SELECT provider, operator_code, bucket, count FROM delivery_times WHERE mailing_id = $1", mailing_id
        )
    return DeliveryFigures(
        mailing["now"], mailing["finished_at"], {row["provider"]: row["count"] for row in accepted}, rows, times
    )


def present(mailing_id: int, figures: DeliveryFigures, expected: Mapping[str, timedelta]) -> MailingDelivery:
    """Adds the counters up. `expected`: the providers that send receipts, and within how long after the mailing."""
    whole, providers, operators = DeliveryTally(), _tallies(), _tallies()
    reasons: Counter[str] = Counter()
    for row in figures.rows:
        for tally in (whole, providers[row["provider"]], operators[row["operator_code"]]):
            tally.counts[row["delivery"]] += row["count"]
        if row["delivery"] == "undelivered":
            reasons[row["reason"]] += row["count"]
    for row in figures.times:
        for tally in (whole, providers[row["provider"]], operators[row["operator_code"]]):
            tally.times[row["bucket"]] += row["count"]
    names = sorted({*providers, *(name for name in figures.accepted if name in expected)})
    by_provider = [_of_provider(name, providers[name], figures, expected.get(name)) for name in names]
    return MailingDelivery(
        mailing_id=mailing_id,
        delivered=whole.counts["delivered"],
        undelivered=whole.counts["undelivered"],
        waiting=whole.counts["waiting"],
        unconfirmed=sum(one.unconfirmed for one in by_provider),
        no_receipt=sum(one.no_receipt for one in by_provider),
        time_to_handset=whole.time_to_handset,
        reasons=[DeliveryReasonCount(reason=reason, count=count) for reason, count in _most_first(reasons)],
        by_provider=by_provider,
        by_operator=[_of_operator(code, operators[code]) for code in sorted(operators) if operators[code].receipts],
    )


def _tallies() -> defaultdict[str, DeliveryTally]:
    return defaultdict(DeliveryTally)


def _most_first(reasons: Counter[str]) -> Iterable[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda one: (-one[1], one[0]))


def _of_provider(
    name: str, tally: DeliveryTally, figures: DeliveryFigures, within: timedelta | None
) -> ProviderDelivery:
    """Counts a provider. What it took and has said nothing of is unconfirmed, and after `within` has no receipt."""
    counts = tally.counts
    taken = figures.accepted.get(name, 0) + counts["proved"] - counts["resent"]
    silent = max(taken - tally.receipts, 0)
    late = within is not None and figures.ended_at is not None and figures.now > figures.ended_at + within
    return ProviderDelivery(
        provider=name,
        delivered=counts["delivered"],
        undelivered=counts["undelivered"],
        waiting=counts["waiting"],
        unconfirmed=0 if late else silent,
        no_receipt=silent if late else 0,
        time_to_handset=tally.time_to_handset,
    )


def _of_operator(code: str, tally: DeliveryTally) -> OperatorDelivery:
    return OperatorDelivery(
        operator_code=code,
        delivered=tally.counts["delivered"],
        undelivered=tally.counts["undelivered"],
        waiting=tally.counts["waiting"],
        time_to_handset=tally.time_to_handset,
    )
