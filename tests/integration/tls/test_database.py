"""A PostgreSQL off loopback is used only with TLS and a verified certificate, unless the settings allow less."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared import database
from shared.health import Health
from shared.waiting import Stopped
from tests.chaos.faults.certificates import Certificates, make_certificates
from tests.integration.tls.tls_postgres import TlsPostgres
from tests.support.herald_command import herald
from tests.support.polling import until
from tests.support.relay import Relay

# This machine by a name that does not count as loopback.
ELSEWHERE = "127.1"


@pytest.fixture
async def certificates(tmp_path: Path) -> Certificates:
    return await make_certificates(tmp_path)


def elsewhere(relay: Relay, query: str = "") -> str:
    return urlsplit(relay.url.replace("127.0.0.1", ELSEWHERE))._replace(query=query).geturl()


@asynccontextmanager
async def connecting(url: str) -> AsyncIterator[Health]:
    """Connects as a process does, which waits until it is let in."""
    health, stop = Health(), asyncio.Event()

    async def hold() -> None:
        async with database.connect(url, health, stop):
            await stop.wait()

    task = asyncio.create_task(hold())
    try:
        yield health
    finally:
        stop.set()
        with contextlib.suppress(Stopped):
            await task


async def test_a_verified_server_elsewhere_is_used_without_a_word_on_tls_in_the_url(
    database_url: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TlsPostgres(database_url, certificates.good) as relay:
        for query in (f"sslrootcert={certificates.trusted}", "", "sslrootcert=system", "sslmode=verify-full"):
            # Without a file in the URL the authorities are those of the system.
            monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
            async with connecting(elsewhere(relay, query)) as health:
                await until(lambda: _is(health.ready), 20, f"ready with {query!r}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "certificate verify failed"),
        ("other_host", "Hostname mismatch"),
        (None, "rejected SSL upgrade"),
    ],
)
async def test_a_server_elsewhere_that_is_not_verified_gets_nothing_and_is_waited_out(
    database_url: str, certificates: Certificates, name: str | None, words: str
) -> None:
    context: ssl.SSLContext | None = getattr(certificates, name) if name else None
    async with TlsPostgres(database_url, context) as relay:
        async with connecting(elsewhere(relay, f"sslrootcert={certificates.trusted}")) as health:
            await until(lambda: _is(words in health.reasons.get("database", "")), 20, words)
            assert not health.ready
            assert "HERALD_DATABASE_URL" in health.reasons["database"]
        assert relay.in_clear == b"", "neither the user's name nor a password left in clear"


async def test_less_than_verification_needs_the_variable_and_is_warned_of(
    database_url: str, certificates: Certificates
) -> None:
    async with TlsPostgres(database_url, certificates.unknown) as relay:
        env = {"HERALD_DATABASE_URL": elsewhere(relay, "sslmode=require")}
        refused = await herald("migrate", env=env)
        allowed = await herald("migrate", env=env | {"HERALD_INSECURE_TRANSPORT": "database"})
    assert refused.code == 2
    assert "sslmode=require does not verify the server at 127.1" in refused.err
    assert "HERALD_INSECURE_TRANSPORT=database" in refused.err
    assert allowed.code == 0, allowed.err
    assert allowed.err.count("warning: insecure transport") == 1


async def test_a_database_in_clear_on_a_private_network_is_allowed_by_name(database_url: str) -> None:
    async with Relay(database_url) as relay:
        env = {"HERALD_DATABASE_URL": elsewhere(relay, "sslmode=disable"), "HERALD_INSECURE_TRANSPORT": "database"}
        done = await herald("migrate", env=env)
    assert (done.code, done.err.count("warning: insecure transport")) == (0, 1), done.err


async def test_a_command_names_what_is_wrong_with_a_certificate(database_url: str, certificates: Certificates) -> None:
    async with TlsPostgres(database_url, certificates.unknown) as relay:
        done = await herald("migrate", env={"HERALD_DATABASE_URL": elsewhere(relay)})
    assert done.code == 2
    assert "the file of its authority as sslrootcert" in done.err


async def _is(value: bool) -> bool:
    return value
