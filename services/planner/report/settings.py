"""The settings of the daily report. Without recipients there is none."""

import re
import zoneinfo
from datetime import time
from email.utils import parseaddr
from typing import Annotated, Self
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator
from pydantic_settings import NoDecode
from yarl import URL

from services.planner.report.words import ReportLanguage
from shared.settings import TransportSettings
from shared.transport import Weakness, is_loopback

_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_PORTS = {"smtp": 587, "smtps": 465}


def _read_addresses(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_check_address(part.strip()) for part in value.split(",") if part.strip())


def _check_address(text: str) -> str:
    address = parseaddr(text)[1]
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{text!r} is not an e-mail address")
    if not address.isascii():
        raise ValueError(f"{text!r}: write its domain as xn--…; few mail servers take other letters before the @")
    return text


def _check_time(value: object) -> object:
    if isinstance(value, str) and not _TIME.fullmatch(value):
        raise ValueError(f"{value!r} is not a time like 07:00; its zone is HERALD_REPORT_TIMEZONE")
    return value


def _check_zone(zone: str) -> str:
    if zone not in zoneinfo.available_timezones():
        raise ValueError(f"{zone!r} is not an IANA time zone")
    return zone


def _check_url(url: SecretStr) -> SecretStr:
    MailServer.parse(url.get_secret_value())
    return url


class MailServer:
    """The mail server of a URL: smtp://user:password@host:port?starttls=on, or smtps:// for TLS from the first byte."""

    def __init__(self, url: URL) -> None:
        self.host = url.host or ""
        self.port = url.explicit_port or _PORTS[url.scheme]
        self.user = unquote(url.raw_user) if url.raw_user else None
        self.password = unquote(url.raw_password) if url.raw_password else None
        self.tls = url.scheme == "smtps"
        self.starttls = not self.tls and url.query.get("starttls", "on") == "on"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses a URL. Raises ValueError, whose text shows no password."""
        try:
            url = URL(text)
            url.port  # noqa: B018 - reads, and so checks it
        except ValueError as error:
            raise ValueError("it has no valid host and port; write special characters as %XX") from error
        if url.scheme not in _PORTS or not url.host:
            raise ValueError("it is not a URL like smtp://user:password@host:587 or smtps://host")
        if url.query.get("starttls", "on") not in ("on", "off") or set(url.query) - {"starttls"}:
            raise ValueError("only ?starttls=on or ?starttls=off may follow")
        return cls(url)


Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_read_addresses)]


class ReportSettings(TransportSettings):
    """To whom the report is sent, when, and through which mail server."""

    report_to: Addresses = ()
    report_from: Annotated[str, AfterValidator(lambda text: _check_address(text) if text else text)] = ""
    report_at: Annotated[time, BeforeValidator(_check_time)] = time(7)
    report_timezone: Annotated[str, AfterValidator(_check_zone)] = "UTC"
    report_language: ReportLanguage = "en"
    smtp_url: Annotated[SecretStr, AfterValidator(_check_url)] = SecretStr("smtp://localhost:25?starttls=off")

    @model_validator(mode="after")
    def _with_sender(self) -> Self:
        if self.report_to and not self.report_from:
            raise ValueError("HERALD_REPORT_TO needs HERALD_REPORT_FROM, the sender's address")
        return self

    def weaknesses(self) -> tuple[Weakness, ...]:
        return (*self._weaknesses_of_mail(), *super().weaknesses())

    def _weaknesses_of_mail(self) -> tuple[Weakness, ...]:
        server = MailServer.parse(self.smtp_url.get_secret_value())
        if not self.report_to or server.tls or server.starttls or is_loopback(server.host):
            return ()
        cause, remedy = "starttls=off does not encrypt", "starttls=on"
        return (Weakness("mail", "HERALD_SMTP_URL", server.host, cause, remedy),)
