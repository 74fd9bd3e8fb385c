"""Arranges a report as sections of tables and sentences, in one language, for every form it is shown in. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.planner.report.figures import REPORTED_STATUSES, DayCounts, Report, ReportedMailing
from services.planner.report.reasons import describe_reason
from services.planner.report.words import DATES, Words

FAILED = ("rejected", "exhausted", "expired")


@dataclass(frozen=True, slots=True)
class Section:
    """A section: a heading, sentences, and perhaps a table. The columns after the first hold numbers.

    `bars`: for each row the shares of sent and of failed messages, from 0 to 1, that a chart shows.
    """

    heading: str
    sentences: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    bars: Sequence[tuple[float, float]] = field(default=())


@dataclass(frozen=True, slots=True)
class ArrangedReport:
    """The subject and the title of a report, its sections, and a last line."""

    subject: str
    title: str
    sections: Sequence[Section]
    footer: str


def arrange(report: Report, words: Words) -> ArrangedReport:
    """Arranges a report. One of a day without anything is a single sentence."""
    date = report.day.date.strftime(DATES[words.language])
    footer = words.say("made", moment=_moment(report.made_at, report, words))
    if report.is_empty:
        sentence = words.say("empty", date=date)
        return ArrangedReport(
            words.say("subject_empty", date=date),
            words.say("title", date=date),
            [Section(words.say("messages"), [sentence])],
            footer,
        )
    failed, sent = _failed(report.counts), words.number(report.counts.of("sent"))
    subject = (
        words.say("subject_trouble", sent=sent, failed=words.number(failed), date=date)
        if failed
        else words.say("subject", sent=sent, date=date)
    )
    sections = [
        _messages(report, words),
        *_mailings(report, words),
        *_reasons(report, words),
        _trouble(report, words),
        _dead_letters(report, words),
        *_ending(report, words),
        *_next(report, words),
    ]
    return ArrangedReport(subject, words.say("title", date=date), sections, footer)


def _failed(counts: DayCounts) -> int:
    return sum(counts.of(status) for status in FAILED)


def _messages(report: Report, words: Words) -> Section:
    days = (report.counts, report.day_before, report.week_before)
    rows = [[words.say(status), *(words.number(day.of(status)) for day in days)] for status in REPORTED_STATUSES]
    rows.append([words.say("total"), *(words.number(day.total) for day in days)])
    columns = [words.say(key) for key in ("status", "that_day", "day_before", "week_before")]
    return Section(words.say("messages"), columns=columns, rows=rows)


def _mailings(report: Report, words: Words) -> list[Section]:
    if not report.mailings:
        return []
    columns = [words.say(key) for key in ("mailing", "sent", "failed")]
    rows = [
        [_name(one), words.number(one.counts.of("sent")), words.number(_failed(one.counts))] for one in report.mailings
    ]
    most = max(one.counts.total for one in report.mailings) or 1
    bars = [(one.counts.of("sent") / most, _failed(one.counts) / most) for one in report.mailings]
    return [Section(words.say("mailings"), columns=columns, rows=rows, bars=bars)]


def _reason(reason: str, words: Words) -> str:
    return describe_reason(reason, words.language) if reason else words.say("no_reason")


def _reasons(report: Report, words: Words) -> list[Section]:
    if not report.reasons:
        return []
    columns = [words.say(key) for key in ("reason", "count")]
    rows = [
        [f"{words.say(one.status)}: {_reason(one.reason, words)}", words.number(one.count)] for one in report.reasons
    ]
    return [Section(words.say("reasons"), columns=columns, rows=rows)]


def _trouble(report: Report, words: Words) -> Section:
    minutes = report.trouble_minutes
    sentence = words.count("trouble", minutes) if minutes else words.say("no_trouble")
    return Section(words.say("trouble"), [sentence])


def _dead_letters(report: Report, words: Words) -> Section:
    letters = report.dead_letters
    if letters is None:
        sentence = words.say("dead_letters_unknown")
    else:
        sentence = words.count("dead_letters", letters) if letters else words.say("no_dead_letters")
    return Section(words.say("dead_letters"), [sentence])


def _ending(report: Report, words: Words) -> list[Section]:
    if not report.ending:
        return []
    columns = [words.say(key) for key in ("mailing", "ends_at", "unsent")]
    rows = [
        [
            _name(one) + (f" ({words.say('paused')})" if one.status == "paused" else ""),
            _moment(one.moment, report, words),
            words.number(one.unsent),
        ]
        for one in report.ending
    ]
    return [Section(words.say("ending"), columns=columns, rows=rows)]


def _next(report: Report, words: Words) -> list[Section]:
    if not report.next_ones:
        return []
    columns = [words.say(key) for key in ("mailing", "starts_at")]
    rows = [[_name(one), _moment(one.moment, report, words)] for one in report.next_ones]
    return [Section(words.say("next"), columns=columns, rows=rows)]


def _name(mailing: ReportedMailing) -> str:
    return f"{mailing.mailing_id}" + (f" {mailing.name}" if mailing.name else "")


def _moment(moment: datetime, report: Report, words: Words) -> str:
    return moment.astimezone(report.day.zone).strftime(f"{DATES[words.language]} %H:%M")
