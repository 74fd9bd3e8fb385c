"""Composes the report as an e-mail, and hands it to a mail server.

What is certainly not taken is told from what may have been.
"""

import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

import aiosmtplib

from services.planner.report.figures import Report
from services.planner.report.forms import render_html, render_text
from services.planner.report.settings import MailServer
from services.planner.report.tables import arrange
from services.planner.report.words import Words

ANSWER_SECONDS = 30
# Codes with which a server refuses for now, as one that greylists does.
TEMPORARY = range(400, 500)


class NotTaken(Exception):
    """The mail server certainly did not take the report: it may be tried again. The text names why."""


class TakenPerhaps(Exception):
    """The connection was lost after the report was handed over: the mail server may have it."""


def compose(report: Report, words: Words, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Composes a message of plain text and HTML. It holds nothing remote, no phone and no text of a mailing."""
    arranged = arrange(report, words)
    message = EmailMessage()
    message["Subject"] = arranged.subject
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(report.made_at)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    # Machines that answer mail leave this one alone.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_text(arranged))
    message.add_alternative(render_html(arranged, words.language), subtype="html")
    return message


async def hand_over(
    server: MailServer, message: EmailMessage, before_text: Callable[[], Awaitable[None]], *, wait_for_all: bool = False
) -> list[str]:
    """Hands a message to the mail server, and returns the recipients that it refused.

    `before_text` is awaited when recipients were taken and nothing but the text is left; what it raises ends the
    attempt. With `wait_for_all` a recipient that is refused for now, with a code of 400 to 499, counts as a refusal of
    the message, since who was sent it cannot be sent it again. Raises NotTaken, and TakenPerhaps if the connection was
    lost after `before_text`.
    """
    text = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    with contextlib.closing(_client(server)) as client:
        try:
            refused = await _open(client, server, message, wait_for_all)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotTaken(_describe(error)) from error
        await before_text()
        try:
            await client.data(text)
        except aiosmtplib.SMTPResponseException as error:
            raise NotTaken(_describe(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TakenPerhaps(_describe(error)) from error
    return refused


def _client(server: MailServer) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls,
        start_tls=server.starttls,
        timeout=ANSWER_SECONDS,
        tls_context=ssl.create_default_context() if server.tls or server.starttls else None,
    )


async def _open(client: aiosmtplib.SMTP, server: MailServer, message: EmailMessage, wait_for_all: bool) -> list[str]:
    """Connects, signs in and names sender and recipients. Returns the recipients that were refused, but for all."""
    await client.connect()
    if server.user is not None:
        await client.login(server.user, server.password or "")
    await client.mail(parseaddr(str(message["From"]))[1])
    recipients = [address.addr_spec for address in message["To"].addresses]
    refused: list[str] = []
    for recipient in recipients:
        try:
            await client.rcpt(recipient)
        except aiosmtplib.SMTPRecipientRefused as error:
            if len(refused) + 1 == len(recipients) or (wait_for_all and error.code in TEMPORARY):
                raise
            refused.append(f"{recipient}: {error.code} {error.message}")
    return refused


def _describe(error: BaseException) -> str:
    """Returns an error in one line. An answer of the server comes with its code."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}".partition("\n")[0]
    return str(error).partition("\n")[0] or type(error).__name__
