"""The words of the report, in each language: one table a language, with the same keys."""

from collections.abc import Mapping
from typing import Literal

ReportLanguage = Literal["en", "ru"]

ENGLISH: Mapping[str, str] = {
    "subject": "Herald: {sent} sent on {date}",
    "subject_trouble": "Herald: {sent} sent, {failed} failed on {date}",
    "subject_empty": "Herald: nothing on {date}",
    "title": "Messages of {date}",
    "empty": "Nothing was sent on {date}, nothing waits, and nothing is planned.",
    "messages": "Messages",
    "status": "Status",
    "that_day": "That day",
    "day_before": "The day before",
    "week_before": "A week before",
    "total": "Total",
    "sent": "Sent",
    "rejected": "Rejected",
    "exhausted": "Exhausted",
    "expired": "Expired",
    "cancelled": "Cancelled",
    "mailings": "Mailings",
    "mailing": "Mailing",
    "failed": "Failed",
    "reasons": "Why messages failed",
    "reason": "Reason",
    "count": "Messages",
    "no_reason": "no reason given",
    "trouble": "Trouble with the provider",
    "trouble_one": "In {count} minute more attempts failed than succeeded.",
    "trouble_many": "In {count} minutes more attempts failed than succeeded.",
    "no_trouble": "In no minute more attempts failed than succeeded.",
    "dead_letters": "Dead letters",
    "dead_letters_one": "{count} dead letter waits to be looked at.",
    "dead_letters_many": "{count} dead letters wait to be looked at.",
    "no_dead_letters": "No dead letter waits.",
    "dead_letters_unknown": "The broker could not be asked.",
    "ending": "Ends today with messages unsent",
    "ends_at": "Ends",
    "unsent": "Unsent",
    "paused": "paused",
    "next": "Next",
    "starts_at": "Starts",
    "made": "Made on {moment}.",
}
RUSSIAN: Mapping[str, str] = {
    "subject": "Herald: отправлено {sent} за {date}",
    "subject_trouble": "Herald: отправлено {sent}, не удалось {failed} за {date}",
    "subject_empty": "Herald: {date} ничего не отправлялось",
    "title": "Сообщения за {date}",
    "empty": "{date} ничего не отправлялось, ничего не ждёт отправки и ничего не запланировано.",
    "messages": "Сообщения",
    "status": "Статус",
    "that_day": "За день",
    "day_before": "Днём раньше",
    "week_before": "Неделей раньше",
    "total": "Всего",
    "sent": "Отправлено",
    "rejected": "Отклонено",
    "exhausted": "Попытки исчерпаны",
    "expired": "Не успели",
    "cancelled": "Отменено",
    "mailings": "Рассылки",
    "mailing": "Рассылка",
    "failed": "Не удалось",
    "reasons": "Почему сообщения не ушли",
    "reason": "Причина",
    "count": "Сообщений",
    "no_reason": "причина не указана",
    "trouble": "Сбои провайдера",
    "trouble_one": "{count} минуту неудачных попыток было больше, чем удачных.",
    "trouble_few": "{count} минуты неудачных попыток было больше, чем удачных.",
    "trouble_many": "{count} минут неудачных попыток было больше, чем удачных.",
    "no_trouble": "Ни в одну минуту неудачных попыток не было больше, чем удачных.",
    "dead_letters": "Необработанные сообщения брокера",
    "dead_letters_one": "{count} сообщение ждёт разбора.",
    "dead_letters_few": "{count} сообщения ждут разбора.",
    "dead_letters_many": "{count} сообщений ждут разбора.",
    "no_dead_letters": "Таких сообщений нет.",
    "dead_letters_unknown": "Брокер не ответил.",
    "ending": "Сегодня закончатся, а отправлено не всё",
    "ends_at": "Окончание",
    "unsent": "Не отправлено",
    "paused": "на паузе",
    "next": "Дальше",
    "starts_at": "Начало",
    "made": "Составлено {moment}.",
}
WORDS: Mapping[ReportLanguage, Mapping[str, str]] = {"en": ENGLISH, "ru": RUSSIAN}
# U+00A0 keeps the groups of a number together.
GROUPS: Mapping[ReportLanguage, str] = {"en": ",", "ru": "\N{NO-BREAK SPACE}"}
DATES: Mapping[ReportLanguage, str] = {"en": "%Y-%m-%d", "ru": "%d.%m.%Y"}


class Words:
    """The words, numbers and dates of one language."""

    def __init__(self, language: ReportLanguage) -> None:
        self.language = language
        self._words = WORDS[language]

    def say(self, key: str, **values: object) -> str:
        """Returns a phrase. Raises KeyError for one that the language lacks."""
        return self._words[key].format(**values)

    def count(self, key: str, count: int) -> str:
        """Returns a phrase about a number, in the plural form of the language: Unicode's categories for integers."""
        return self.say(f"{key}_{plural(self.language, count)}", count=self.number(count))

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", GROUPS[self.language])


def plural(language: ReportLanguage, count: int) -> str:
    """Returns the plural category of an integer: one, few or many. English has no few, and its other is many here."""
    if language == "en":
        return "one" if count == 1 else "many"
    if count % 10 == 1 and count % 100 != 11:
        return "one"
    return "few" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "many"
