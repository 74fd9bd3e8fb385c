"""The settings of the report: addresses, the mail server, and what is missing."""

import pytest
from pydantic import ValidationError

from services.planner.report.settings import MailServer, ReportSettings

PLAIN = {"report_to": "a@example.org, Ann <b@example.org>", "report_from": "herald@example.org"}


@pytest.mark.parametrize(
    ("changes", "weak"),
    [
        ({"smtp_url": "smtp://mail:25?starttls=off"}, ["mail"]),
        ({"smtp_url": "smtp://mail"}, []),
        ({"smtp_url": "smtps://mail"}, []),
        ({"smtp_url": "smtp://127.0.0.1:25?starttls=off"}, []),
        ({"smtp_url": "smtp://mail:25?starttls=off", "report_to": ""}, []),
    ],
)
def test_a_mail_server_elsewhere_without_tls_is_weak_if_anything_is_sent(
    changes: dict[str, str], weak: list[str]
) -> None:
    settings = ReportSettings(**{**PLAIN, **changes})  # type: ignore[arg-type]
    assert [weakness.host for weakness in settings.weaknesses()] == weak


def test_recipients_are_separated_by_commas() -> None:
    assert ReportSettings(**PLAIN).report_to == ("a@example.org", "Ann <b@example.org>")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"report_from": ""}, "HERALD_REPORT_FROM"),
        ({"report_to": "nobody"}, "'nobody' is not an e-mail address"),
        ({"report_to": "anna@пример.рф"}, "xn--"),
        ({"report_at": "07:00Z"}, "not a time like 07:00"),
        ({"report_at": "7"}, "not a time like 07:00"),
        ({"report_at": "24:00"}, "not a time like 07:00"),
        ({"report_timezone": "Mars"}, "not an IANA time zone"),
        ({"report_language": "de"}, "'en' or 'ru'"),
        ({"smtp_url": "mail.example.org"}, "not a URL like smtp://"),
        ({"smtp_url": "smtp://u:secret@host:x"}, "no valid host and port"),
        ({"smtp_url": "smtp://host?starttls=maybe"}, "starttls=on"),
    ],
)
def test_what_is_wrong_is_named_without_a_password(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        ReportSettings(**{**PLAIN, **changes})  # type: ignore[arg-type]
    message = str([one["msg"] for one in error.value.errors()])
    assert said in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtp://mail", 587, False, True),
        ("smtp://mail:25?starttls=off", 25, False, False),
        ("smtps://mail", 465, True, False),
    ],
)
def test_encryption_is_on_unless_it_is_switched_off(url: str, port: int, tls: bool, starttls: bool) -> None:
    server = MailServer.parse(url)
    assert (server.host, server.port, server.tls, server.starttls) == ("mail", port, tls, starttls)


def test_a_login_may_hold_any_character() -> None:
    server = MailServer.parse("smtps://ops%40x:a%2Fb%3A@mail")
    assert (server.user, server.password) == ("ops@x", "a/b:")
