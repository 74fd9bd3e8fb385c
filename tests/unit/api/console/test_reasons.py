"""Why messages were not sent is said in Russian, too: by the console and the report alike."""

import re
from pathlib import Path

import pytest

from services.api.console.files import FOLDER
from services.dispatcher.provider_api import replies
from services.planner.closing import rules
from services.planner.report.reasons import RUSSIAN_REASONS, describe_reason

PRESETS = Path(__file__).parents[4] / "shared" / "providers" / "presets"
SOURCE = (FOLDER / "shared" / "words" / "reasons_ru.js").read_text()
OF_CONSOLE = {
    quoted or plain: said for quoted, plain, said in re.findall(r'^  (?:"(.+?)"|(\w+)): "(.+)",$', SOURCE, re.M)
}


def reasons() -> set[str]:
    """Returns what Herald and the presets give as a reason."""
    found = {rules.name_failure(outcome, None) for outcome in replies.OUTCOMES if outcome != "accepted"}
    found |= {rules.DEADLINE, rules.DEADLINE_PAUSED, rules.WINDOW_CLOSED, rules.MAILING_CANCELLED}
    found |= {rules.OUTCOME_UNKNOWN, *replies._UNANSWERED.values(), replies._NOT_JSON.reason, replies._NO_CODE.reason}
    for path in PRESETS.rglob("*.yaml"):
        found |= set(re.findall(r'reason: "([^"]+)"', path.read_text()))
    return found


def test_the_console_and_the_report_say_the_same() -> None:
    assert OF_CONSOLE == RUSSIAN_REASONS


@pytest.mark.parametrize("reason", sorted(reasons()))
def test_a_reason_of_heralds_own_has_a_translation(reason: str) -> None:
    assert re.search("[\u0430-\u044f]", RUSSIAN_REASONS[reason])


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("deadline reached", "рассылка закончилась"),
        ("deadline reached, last HTTP 500", "рассылка закончилась, последняя попытка: HTTP 500"),
        ("deadline reached, last server error", "рассылка закончилась, последняя попытка: ошибка сервера"),
        ("no value: name", "нет значения: name"),
        ("number unknown", "number unknown"),
    ],
)
def test_the_parts_of_a_reason_are_translated_and_a_providers_own_words_stay(reason: str, said: str) -> None:
    assert describe_reason(reason, "ru") == said
    assert describe_reason(reason, "en") == reason.replace(", last ", ", last attempt: ")
