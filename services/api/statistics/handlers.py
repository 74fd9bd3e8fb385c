"""Statistics: the totals, one line for each mailing, and all about one mailing."""

from aiohttp import web

from services.api.mailings.activity.speed import measure_speed, measured_since
from services.api.statistics import store
from services.api.statistics.responses import Attempts, MailingStatistics, MailingSummaries
from services.api.statistics.store import Figures
from services.api.web import pages
from services.api.web.context import id_in, pool_of, query_of
from services.api.web.cursors import MAX_ID
from services.api.web.problems import not_found
from services.api.web.queries import PageQuery
from services.api.web.responses import reply

KIND = "statistics"


async def totals(request: web.Request) -> web.Response:
    return reply(await store.totals(pool_of(request)))


async def listing(request: web.Request) -> web.Response:
    query = query_of(request, PageQuery)
    before = pages.position(query, KIND, start=MAX_ID)
    found = await store.page(pool_of(request), before=before, limit=query.limit + 1)
    items, following = pages.cut(found, query.limit, KIND, lambda summary: summary.mailing_id)
    return pages.reply_page(request, MailingSummaries(items=items, next=following), following)


async def of_mailing(request: web.Request) -> web.Response:
    mailing_id = id_in(request, "mailing")
    figures = await store.figures(pool_of(request), mailing_id)
    if figures is None:
        raise not_found("mailing")
    return reply(present(mailing_id, figures))


def present(mailing_id: int, figures: Figures) -> MailingStatistics:
    left = figures.by_status.pending + figures.by_status.retrying
    final = sum(one.sent + one.failed for one in figures.minutes if one.at >= measured_since(figures.now))
    speed = measure_speed(figures.status, figures.started_at, final, left, figures.now, growing=figures.expanding)
    return MailingStatistics(
        mailing_id=mailing_id,
        status=figures.status,
        total=figures.total,
        by_status=figures.by_status,
        attempts=Attempts(total=sum(figures.outcomes.values()), by_outcome=figures.outcomes),
        by_provider=figures.providers,
        reasons=figures.reasons,
        delivery=figures.delivery,
        per_minute=figures.minutes,
        rate=speed.rate,
        eta=speed.eta,
        started_at=figures.started_at,
        finished_at=figures.finished_at,
    )
