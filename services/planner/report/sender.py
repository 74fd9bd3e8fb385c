"""Sends the report of each day once, whatever the number of planners: one row of a day is leased."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.planner.report import store
from services.planner.report.compose import CountDeadLetters, read_report
from services.planner.report.figures import Day
from services.planner.report.mail import NotTaken, TakenPerhaps, compose, hand_over
from services.planner.report.settings import MailServer, ReportSettings
from services.planner.report.words import Words
from shared import logs
from shared.database import Pool

CHECK_SECONDS, OFF_SECONDS = 15.0, 3600.0
# Longer than reading the figures and handing them over takes. Whoever needs longer sees that the lease is lost.
LEASE = timedelta(minutes=10)
PAUSES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=15))
NOON = time(12)
# A report that is due in the afternoon is tried for this long.
LONGEST_TRIAL = timedelta(hours=4)
# How often a report waits for recipients that a server refuses for now (greylisting): 23 min with the pauses above.
PATIENCE = 4
UNKNOWN = "the connection was lost after the text was handed over: it may have arrived"

log = logs.get()


class LeaseLost(Exception):
    """Another planner has taken over the report meanwhile."""


def due_day(now: datetime, at: time, zone: ZoneInfo) -> Day:
    """Returns the day whose report fell due last: yesterday from `at` o'clock in the zone on, else the day before."""
    today = now.astimezone(zone).date()
    # Moments are compared, not what clocks show, which comes twice where they are put back.
    return Day(today - timedelta(days=1 if now >= datetime.combine(today, at, zone) else 2), zone)


def last_moment(day: Day, at: time) -> datetime:
    """Returns until when a day's report is tried: noon, or four hours after a time in the afternoon."""
    next_date = day.date + timedelta(days=1)
    if at < NOON:
        return datetime.combine(next_date, NOON, day.zone)
    return datetime.combine(next_date, at, day.zone) + LONGEST_TRIAL


def pause_after(attempts: int) -> timedelta:
    """Returns the pause after so many attempts."""
    return PAUSES[min(attempts, len(PAUSES)) - 1]


class ReportSender:
    """The sender of one planner. Without recipients it sends nothing."""

    def __init__(
        self,
        pool: Pool,
        settings: ReportSettings,
        count_dead_letters: CountDeadLetters,
        registry: CollectorRegistry,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._count_dead_letters = count_dead_letters
        self._now = now
        self._zone = ZoneInfo(settings.report_timezone)
        reports = Counter("herald_reports", "Daily reports, by what became of them.", ["outcome"], registry=registry)
        self._sent, self._failed = reports.labels("sent"), reports.labels("failed")
        self._missing = Gauge(
            "herald_report_missing", "1 while the newest daily report was given up.", registry=registry
        )

    async def send_due(self) -> float:
        """Sends the report that is due, unless it was sent. Returns the seconds until it looks again."""
        if not self._settings.report_to:
            return OFF_SECONDS
        now = self._now()
        day = due_day(now, self._settings.report_at, self._zone)
        # A report of the day before yesterday is only ended, after midnight: nobody begins one so late.
        is_new = day.date == now.astimezone(self._zone).date() - timedelta(days=1)
        taken = await store.take_day(self._pool, day.date, LEASE, begin=is_new)
        if taken is not None:
            await self._send(day, taken, now)
        self._missing.set(await store.is_missing(self._pool, day.date))
        return CHECK_SECONDS

    async def _send(self, day: Day, taken: store.TakenDay, now: datetime) -> None:
        if taken.handed:
            await self._give_up(day, UNKNOWN)
        elif now > last_moment(day, self._settings.report_at):
            await self._give_up(day, "no mail server took it in time")
        else:
            await self._try(day, taken.attempts, now)

    async def _try(self, day: Day, attempts: int, now: datetime) -> None:
        async with self._pool.acquire() as connection:
            report = await read_report(connection, day, now, self._count_dead_letters)
        message = compose(
            report,
            Words(self._settings.report_language),
            sender=self._settings.report_from,
            recipients=self._settings.report_to,
        )
        server = MailServer.parse(self._settings.smtp_url.get_secret_value())

        async def before_text() -> None:
            if not await store.mark_handed(self._pool, day.date, attempts):
                raise LeaseLost

        try:
            refused = await hand_over(server, message, before_text, wait_for_all=attempts <= PATIENCE)
        except LeaseLost:
            log.warning("report left to another planner", day=day.date.isoformat(), attempts=attempts)
        except NotTaken as error:
            await store.put_off(self._pool, day.date, pause_after(attempts), str(error))
            log.warning("report put off", day=day.date.isoformat(), attempts=attempts, detail=str(error))
        except TakenPerhaps as error:
            await self._give_up(day, f"{UNKNOWN}: {error}")
        else:
            await store.mark_sent(self._pool, day.date)
            self._sent.inc()
            log.info("report sent", day=day.date.isoformat(), recipients=len(self._settings.report_to) - len(refused))
            if refused:
                log.warning("recipients of the report refused", day=day.date.isoformat(), refused=len(refused))

    async def _give_up(self, day: Day, reason: str) -> None:
        await store.give_up(self._pool, day.date, reason)
        self._failed.inc()
        log.error("report given up", day=day.date.isoformat(), detail=reason)
