"""What a report says, as text and as a page."""

import re

import pytest

from services.planner.report.forms import render_html, render_text
from services.planner.report.tables import arrange
from services.planner.report.words import ReportLanguage, Words
from tests.unit.planner.report.builders import build_report, empty_report


def test_the_text_has_all_figures_in_columns() -> None:
    text = render_text(arrange(build_report(), Words("en")))
    for line in (
        r"Sent +12,345 +11,000 +9,000",
        r"Total +12,375 +11,000 +9,002",
        r"8 +0 +20",
        r"Rejected: number unknown +20",
        r"Expired: no reason given +7",
        r"In 22 minutes more attempts failed than succeeded\.",
        r"3 dead letters wait to be looked at\.",
        r"8 \(paused\) +2026-11-27 21:00 +900",
        r"9 +2026-11-27 09:00",
        r"Made on 2026-11-27 07:00\.",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE), line


def test_the_subject_says_whether_something_failed() -> None:
    words = Words("en")
    assert arrange(build_report(), words).subject == "Herald: 12,345 sent, 30 failed on 2026-11-26"
    good = build_report(counts=build_report().day_before)
    assert arrange(good, words).subject == "Herald: 11,000 sent on 2026-11-26"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_day_without_anything_is_one_line(language: ReportLanguage) -> None:
    arranged = arrange(empty_report(), Words(language))
    assert [(len(section.sentences), section.rows) for section in arranged.sections] == [(1, ())]


def test_a_broker_that_is_away_is_not_taken_for_no_dead_letters() -> None:
    text = render_text(arrange(build_report(dead_letters=None), Words("en")))
    assert "The broker could not be asked." in text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_loads_nothing_and_escapes_what_it_shows(language: ReportLanguage) -> None:
    page = render_html(arrange(build_report(), Words(language)), language)
    assert not re.search(r"https?:|src=|url\(|<link|<script|@import", page)
    assert "Sale &lt;b&gt;" in page
    assert f'lang="{language}"' in page


def test_the_russian_page_has_no_english_word_left() -> None:
    page = render_html(arrange(build_report(mailings=[], reasons=[]), Words("ru")), "ru")
    shown = re.sub(r"<[^>]+>", " ", page)
    assert re.findall(r"[A-Za-z]{2,}", shown.replace("&nbsp;", "")) == []
