"""Judges connections that leave this machine: whether TLS protects them, and verifies the other side."""

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from shared import amqp_urls

Peer = Literal["database", "broker", "provider", "mail", "api"]
PEERS: tuple[Peer, ...] = ("database", "broker", "provider", "mail", "api")
VARIABLE = "HERALD_INSECURE_TRANSPORT"
VERIFY_FULL: Literal["verify-full"] = "verify-full"
# They encrypt, and accept a server with a certificate of somebody else.
_UNVERIFIED_MODES = ("require", "verify-ca")
NO_HOST = "it has no valid host and port; write special characters as %XX"
LAST_PORT = 65535
_ROOT_CERTIFICATE = Path(".postgresql/root.crt")


@dataclass(frozen=True, slots=True)
class Weakness:
    """A connection off loopback that somebody between could read or answer. No field holds a secret."""

    peer: Peer
    setting: str
    host: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.peer} {self.host}: {self.cause}"

    @property
    def refusal(self) -> str:
        """Why the setting is refused, and what to write instead."""
        return (
            f"{self.setting}: {self.cause} at {self.host}: write {self.remedy}, or allow it with "
            f"{VARIABLE}={self.peer}, which is right for a private network only"
        )


@dataclass(frozen=True, slots=True)
class DatabaseTarget:
    """What a URL of PostgreSQL says about where to connect and how; `mode` is its sslmode, or None."""

    hosts: tuple[str, ...]
    mode: str | None
    query: Mapping[str, str] = field(repr=False)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The hosts that are not this machine. A path is a Unix socket."""
        return tuple(host for host in self.hosts if not host.startswith("/") and not is_loopback(host))


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine, by its name alone. An empty host listens on every interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_database_url(url: str, env: Mapping[str, str] | None = None) -> DatabaseTarget:
    """Reads a URL as asyncpg does, with the variables PGHOST and PGSSLMODE of `env`, the environment by default.

    Hosts that only a service file knows count as elsewhere. Raises ValueError for a URL that asyncpg would refuse.
    """
    env = os.environ if env is None else env
    if "%00" in url:
        raise ValueError("it has a zero byte")
    parts = _split(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    in_url = parts.netloc.partition("@")[2] if "@" in parts.netloc else parts.netloc
    service = f"service {query['service']}" if "service" in query else None
    hosts = in_url or query.get("host") or service or env.get("PGHOST")
    for host in hosts.split(",") if hosts else ():
        _require_host(host)
    mode = query.get("sslmode") or env.get("PGSSLMODE") or None
    return DatabaseTarget(
        tuple(_without_port(host, quoted=bool(in_url)) for host in hosts.split(",")) if hosts else (),
        mode.replace("_", "-") if mode else None,
        query,
    )


def database_tls(url: str) -> ssl.SSLContext | Literal["verify-full"] | None:
    """Returns what asyncpg takes as `ssl` to verify the server of a URL, or None where it follows the URL by itself.

    A URL without sslmode is verify-full, unless all its hosts are this machine. As authorities serve the file of
    sslrootcert or ~/.postgresql/root.crt, otherwise those of the system, which sslrootcert=system means, too.
    Raises ValueError when the client's certificate cannot be read.
    """
    target = read_database_url(url)
    if target.mode != VERIFY_FULL and (target.mode is not None or not target.elsewhere):
        return None
    root = target.query.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")
    if (root or "system") != "system" or (root is None and (Path.home() / _ROOT_CERTIFICATE).exists()):
        return VERIFY_FULL
    context = ssl.create_default_context()
    if certificate := target.query.get("sslcert"):
        try:
            context.load_cert_chain(certificate, target.query.get("sslkey"))
        except OSError as error:
            # ssl names neither the file nor the setting.
            raise ValueError(f"sslcert or sslkey: {error.strerror or error}") from error
    return context


def weaknesses_of_database(url: str) -> tuple[Weakness, ...]:
    """Returns one weakness for each host of a URL with a weaker sslmode than verify-full."""
    try:
        target = read_database_url(url)
    except ValueError:
        # The pool refuses it with its reason, and connects nowhere.
        return ()
    if target.mode in (None, VERIFY_FULL):
        return ()
    fault = "does not verify the server" if target.mode in _UNVERIFIED_MODES else "does not insist on TLS"
    cause, remedy = f"sslmode={target.mode} {fault}", f"sslmode={VERIFY_FULL}"
    return tuple(Weakness("database", "HERALD_DATABASE_URL", host, cause, remedy) for host in target.elsewhere)


def weaknesses_of_broker(urls: str) -> tuple[Weakness, ...]:
    """Returns one weakness for each URL of RabbitMQ without TLS, or with TLS that verifies nobody."""
    found = []
    for url in amqp_urls.parse(urls):
        if is_loopback(url.host or ""):
            continue
        host, setting = amqp_urls.host_and_port(url), "HERALD_RABBITMQ_URL"
        if url.scheme == "amqp":
            found.append(Weakness("broker", setting, host, "amqp:// does not encrypt", "amqps://"))
        elif amqp_urls.skips_verification(url):
            found.append(Weakness("broker", setting, host, "no_verify_ssl verifies nobody", "it without no_verify_ssl"))
    return tuple(found)


def weaknesses_of_http(url: str, peer: Peer, setting: str) -> tuple[Weakness, ...]:
    """Returns the weakness of a URL whose requests carry a token without TLS. Raises ValueError for a malformed one."""
    parts = _split(url)
    if parts.scheme != "http" or is_loopback(parts.hostname or ""):
        return ()
    return (Weakness(peer, setting, parts.hostname or "", "http:// does not encrypt", "https://"),)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ValueError(NO_HOST) from error


def _require_host(host: str) -> None:
    """Raises ValueError unless a host and its port can be looked up. A path is a Unix socket."""
    if unquote(host).startswith("/"):
        return
    name, _, port = host.rpartition("]")[2].partition(":")
    try:
        unquote(name).encode("idna")
    except UnicodeError:
        raise ValueError(NO_HOST) from None
    if port and not (port.isdecimal() and port.isascii() and 0 < int(port) <= LAST_PORT):
        raise ValueError(NO_HOST)


def _without_port(host: str, *, quoted: bool) -> str:
    if host.startswith("/"):
        return host
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return unquote(name) if quoted else name
