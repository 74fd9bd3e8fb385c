"""The daily report through a real mail server: its figures, once whatever the number of planners, and mail trouble."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.planner.report.sender import PATIENCE, ReportSender
from services.planner.report.settings import ReportSettings
from tests.chaos.faults.certificates import make_certificates
from tests.support.planner_steps import running_mailing

NOON = datetime.now(UTC).replace(hour=11, minute=59)


class Mailbox:
    """What a mail server took, and how it answers."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.answer: str | None = None
        self.refused: set[str] = set()
        self.greylisted: set[str] = set()
        # Called once recipients were named, before the text.
        self.before_text: Callable[[], Awaitable[None]] | None = None
        self.hangs_up = False

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if address in self.refused:
            return "550 no such user"
        if address in self.greylisted:
            return "451 greylisted"
        if self.before_text is not None:
            await self.before_text()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        if self.answer:
            return self.answer
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.taken.append(found)
        if self.hangs_up:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 OK"


class MailServer:
    def __init__(self, box: Mailbox, port: int) -> None:
        self.box = box
        self.url = f"smtp://127.0.0.1:{port}?starttls=off"


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    yield MailServer(box, server.sockets[0].getsockname()[1])
    server.close()


def sender(pool: asyncpg.Pool, url: str, now: datetime = NOON, **changes: Any) -> ReportSender:
    settings = ReportSettings(
        **{
            "report_to": ("ops@example.org", "boss@example.org"),
            "report_from": "Herald <herald@example.org>",
            "report_at": datetime.min.time(),
            "smtp_url": SecretStr(url),
            **changes,
        }
    )

    async def count_dead_letters() -> int | None:
        return 2

    return ReportSender(pool, settings, count_dead_letters, CollectorRegistry(), lambda: now)


async def a_day_with_failures(pool: asyncpg.Pool) -> None:
    """Makes a mailing that ran yesterday: three sent, one rejected, and one expired."""
    await running_mailing(pool, 5)
    yesterday = NOON - timedelta(days=1)
    await pool.execute(
        "UPDATE mailings SET name = 'Sale', started_at = $1, end_at = $2", yesterday, NOON + timedelta(days=1)
    )
    for place, (status, reason) in enumerate(
        [("sent", None), ("sent", None), ("sent", None), ("rejected", "number unknown"), ("expired", "too late")]
    ):
        await pool.execute(
            "UPDATE messages SET status = $1::message_status, reason = $2, final_at = $3"
            " WHERE id = (SELECT id FROM messages ORDER BY id OFFSET $4 LIMIT 1)",
            status,
            reason,
            yesterday,
            place,
        )
    await pool.execute(
        "INSERT INTO minutes (mailing_id, at, sent, failed) SELECT id, $1, 1, 9 FROM mailings", yesterday
    )


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_the_report_of_a_day_with_failures_arrives_once_with_three_planners(
    pool: asyncpg.Pool, mail: MailServer
) -> None:
    await a_day_with_failures(pool)
    await asyncio.gather(*(sender(pool, mail.url).send_due() for _ in range(3)))
    await sender(pool, mail.url).send_due()
    [message] = mail.box.taken
    assert message["To"] == "ops@example.org, boss@example.org"
    assert "3 sent, 2 failed" in message["Subject"]
    text = text_of(message)
    for said in ("Rejected: number unknown", "In 1 minute more", "2 dead letters wait", "1 Sale"):
        assert said in text
    assert message.get_body(("html",)) is not None
    # Neither a phone nor the text of the mailing.
    phone, body = (
        await pool.fetchval("SELECT min(phone) FROM clients"),
        await pool.fetchval("SELECT text FROM mailings"),
    )
    assert phone not in message.as_string()
    assert body not in message.as_string()


async def test_a_test_send_is_in_no_report(pool: asyncpg.Pool, mail: MailServer) -> None:
    await a_day_with_failures(pool)
    await pool.execute("UPDATE mailings SET test = true")
    await sender(pool, mail.url).send_due()
    assert "Sale" not in text_of(mail.box.taken[0])
    assert "Herald: 0 sent" in mail.box.taken[0]["Subject"]


async def test_nothing_to_report_is_sent_all_the_same(pool: asyncpg.Pool, mail: MailServer) -> None:
    async def none() -> int | None:
        return 0

    reports = sender(pool, mail.url)
    reports._count_dead_letters = none
    await reports.send_due()
    assert "Nothing was sent" in text_of(mail.box.taken[0])


@pytest.mark.parametrize("answer", ["451 greylisted", "554 not today"])
async def test_a_report_that_is_refused_is_tried_again(pool: asyncpg.Pool, mail: MailServer, answer: str) -> None:
    mail.box.answer = answer
    await sender(pool, mail.url).send_due()
    row = await pool.fetchrow("SELECT error, handed_at, sent_at, leased_until > now() AS later FROM reports")
    assert row is not None
    assert (row["error"], row["handed_at"], row["sent_at"], row["later"]) == (answer, None, None, True)
    mail.box.answer = None
    await sender(pool, mail.url).send_due()
    assert mail.box.taken == [], "it waits for its pause"
    await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
    await sender(pool, mail.url).send_due()
    assert len(mail.box.taken) == 1


async def test_a_connection_lost_after_the_text_is_never_sent_again(pool: asyncpg.Pool, mail: MailServer) -> None:
    mail.box.hangs_up = True
    await sender(pool, mail.url).send_due()
    assert "it may have arrived" in await pool.fetchval("SELECT error FROM reports WHERE given_up_at IS NOT NULL")
    mail.box.hangs_up = False
    await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
    await sender(pool, mail.url).send_due()
    assert len(mail.box.taken) == 1


async def test_a_planner_that_died_while_it_handed_over_is_not_repeated(pool: asyncpg.Pool, mail: MailServer) -> None:
    day = (NOON - timedelta(days=1)).date()
    await pool.execute(
        "INSERT INTO reports (day, leased_until, handed_at) VALUES ($1, now() - interval '1 s', now())", day
    )
    await sender(pool, mail.url).send_due()
    assert mail.box.taken == []
    assert await pool.fetchval("SELECT given_up_at IS NOT NULL FROM reports")


async def test_a_mail_server_that_is_away_until_noon_is_given_up(pool: asyncpg.Pool) -> None:
    away = "smtp://127.0.0.1:1?starttls=off"
    await sender(pool, away).send_due()
    assert await pool.fetchval("SELECT given_up_at IS NULL AND error IS NOT NULL FROM reports")
    await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
    await sender(pool, away, now=NOON + timedelta(minutes=2)).send_due()
    assert await pool.fetchval("SELECT given_up_at IS NOT NULL FROM reports")


async def test_a_recipient_that_is_refused_does_not_cost_the_others(pool: asyncpg.Pool, mail: MailServer) -> None:
    mail.box.refused = {"boss@example.org"}
    await sender(pool, mail.url).send_due()
    assert len(mail.box.taken) == 1
    assert await pool.fetchval("SELECT sent_at IS NOT NULL FROM reports")


async def test_a_recipient_that_is_greylisted_is_waited_for_and_nobody_gets_two(
    pool: asyncpg.Pool, mail: MailServer
) -> None:
    mail.box.greylisted = {"boss@example.org"}
    await sender(pool, mail.url).send_due()
    assert mail.box.taken == []
    assert await pool.fetchval("SELECT error FROM reports") == "451 greylisted"
    await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
    mail.box.greylisted = set()
    await sender(pool, mail.url).send_due()
    [message] = mail.box.taken
    assert message["To"] == "ops@example.org, boss@example.org"


async def test_a_recipient_that_stays_greylisted_does_not_cost_the_others(pool: asyncpg.Pool, mail: MailServer) -> None:
    mail.box.greylisted = {"boss@example.org"}
    for _ in range(PATIENCE + 1):
        assert mail.box.taken == []
        await sender(pool, mail.url).send_due()
        await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
    assert len(mail.box.taken) == 1
    assert await pool.fetchval("SELECT sent_at IS NOT NULL FROM reports")


async def test_a_planner_that_was_too_slow_leaves_the_report_to_the_next(pool: asyncpg.Pool, mail: MailServer) -> None:
    async def expire() -> None:
        mail.box.before_text = None
        await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
        await sender(pool, mail.url).send_due()

    mail.box.before_text = expire
    await sender(pool, mail.url).send_due()
    assert len(mail.box.taken) == 1
    assert await pool.fetchval("SELECT sent_at IS NOT NULL AND given_up_at IS NULL FROM reports")


async def test_a_server_that_hangs_is_given_up_for_now(
    pool: asyncpg.Pool, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.planner.report.mail.ANSWER_SECONDS", 0.2)

    async def hang() -> None:
        await asyncio.sleep(2)

    mail.box.before_text = hang
    await sender(pool, mail.url).send_due()
    assert mail.box.taken == []
    row = await pool.fetchrow("SELECT error, handed_at, given_up_at FROM reports")
    assert row is not None
    assert (row["error"] != "", row["handed_at"], row["given_up_at"]) == (True, None, None)


async def test_a_report_late_in_the_evening_is_tried_and_given_up_after_midnight(pool: asyncpg.Pool) -> None:
    away, at = "smtp://127.0.0.1:1?starttls=off", time(22)
    evening = NOON.replace(hour=22, minute=30)
    for later, given_up in ((0, False), (3, False), (4, True)):
        await sender(pool, away, evening + timedelta(hours=later), report_at=at).send_due()
        rows = await pool.fetch("SELECT day, attempts, given_up_at IS NOT NULL AS given_up FROM reports")
        assert [(row["day"], row["given_up"]) for row in rows] == [((evening - timedelta(days=1)).date(), given_up)]
        await pool.execute("UPDATE reports SET leased_until = now() - interval '1 s'")
    assert rows[0]["attempts"] == 3


async def test_a_report_of_the_day_before_yesterday_is_not_begun(pool: asyncpg.Pool, mail: MailServer) -> None:
    await sender(pool, mail.url, NOON.replace(hour=6), report_at=time(7)).send_due()
    assert mail.box.taken == []
    assert await pool.fetchval("SELECT count(*) FROM reports") == 0


async def test_with_a_login_and_starttls(pool: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = await make_certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
    box, seen = Mailbox(), list[tuple[bytes, bytes]]()

    def check(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        context = certificates.good
        return SMTP(box, loop=loop, tls_context=context, require_starttls=True, authenticator=check, auth_required=True)

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await sender(pool, f"smtp://ops:a%2Fb@127.0.0.1:{port}").send_due()
    server.close()
    assert seen == [(b"ops", b"a/b")]
    assert len(box.taken) == 1


async def test_a_server_that_offers_no_encryption_gets_neither_login_nor_report(
    pool: asyncpg.Pool, mail: MailServer
) -> None:
    await sender(pool, mail.url.replace("?starttls=off", "")).send_due()
    assert mail.box.taken == []
    assert "STARTTLS" in await pool.fetchval("SELECT error FROM reports")
