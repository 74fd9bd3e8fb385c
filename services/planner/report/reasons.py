"""Why messages were not sent, in the language of the report. Pure.

What Herald says, and what the descriptions of providers that come with it say, is translated; other words stay.
"""

from collections.abc import Mapping

from services.planner.report.words import ReportLanguage

# services/api/console/files/shared/words/reasons_ru.js has the same, for the console.
RUSSIAN_REASONS: Mapping[str, str] = {
    "account or sender refused": "отказ по учётной записи или отправителю",
    "account, balance or sender refused": "отказ по учётной записи, балансу или отправителю",
    "authentication or charge refused": "отказ в авторизации или списании",
    "authorisation refused": "отказ в авторизации",
    "broken": "связь оборвалась",
    "cannot be delivered": "доставить нельзя",
    "client deleted": "клиент удалён",
    "connection broken": "связь оборвалась",
    "deadline reached": "рассылка закончилась",
    "deadline reached while paused": "рассылка закончилась, стоя на паузе",
    "duplicate": "повтор",
    "error code": "код ошибки",
    "gateway cannot submit": "шлюз не смог отправить",
    "gateway failed": "сбой шлюза",
    "gateway not available": "шлюз недоступен",
    "gateway not bound": "шлюз не подключён",
    "hold": "отложено",
    "internal error of the provider": "внутренняя ошибка провайдера",
    "key, balance or sender refused": "отказ по ключу, балансу или отправителю",
    "login, balance or address refused": "отказ по логину, балансу или адресу",
    "longer than 2,000 characters": "длиннее 2000 знаков",
    "mailing cancelled": "рассылка отменена",
    "no chat with this recipient": "чата нет",
    "no reply in time": "нет ответа вовремя",
    "no route to this number": "нет маршрута на этот номер",
    "no rule for the reply": "для ответа нет правила",
    "no value": "нет значения",
    "no way to this number": "на этот номер отправить нельзя",
    "not found": "адрес не найден",
    "number or text refused": "номер или текст отклонён",
    "opted out": "клиент отказался от рассылок",
    "outcome unknown": "исход неизвестен",
    "provider unreachable": "провайдер недоступен",
    "recipient opted out": "получатель отказался от сообщений",
    "redirected": "перенаправлено",
    "refused": "отклонено",
    "reply has no code": "в ответе нет кода",
    "reply is not JSON": "ответ не в формате JSON",
    "reply not understood": "ответ непонятен",
    "server error": "ошибка сервера",
    "service not available": "сервис недоступен",
    "the recipient has blocked the bot": "получатель заблокировал бота",
    "the same message within a minute": "то же сообщение меньше чем через минуту",
    "the same request within a minute": "тот же запрос меньше чем через минуту",
    "throughput exceeded": "превышена пропускная способность",
    "timeout": "нет ответа вовремя",
    "token of the bot refused": "токен бота отклонён",
    "token, balance or sender refused": "отказ по токену, балансу или отправителю",
    "too late": "слишком поздно",
    "too many": "слишком много запросов",
    "too many requests": "слишком много запросов",
    "too many requests at once": "слишком много запросов сразу",
    "unauthorized": "токен отклонён",
    "unreachable": "провайдер недоступен",
    "unreadable": "ответ не читается",
    "window closed until the deadline": "часы отправки не наступили до окончания",
}
_LAST = ", last "
LAST: Mapping[ReportLanguage, str] = {
    "en": "{reason}, last attempt: {last}",
    "ru": "{reason}, последняя попытка: {last}",
}


def describe_reason(reason: str, language: ReportLanguage) -> str:
    """Returns a reason, which may have parts: "no value: name", or "deadline reached, last HTTP 500"."""
    what, separator, last = reason.partition(_LAST)
    if separator:
        return LAST[language].format(reason=describe_reason(what, language), last=describe_reason(last, language))
    if language == "en":
        return reason
    return ": ".join(RUSSIAN_REASONS.get(part, part) for part in reason.split(": "))
