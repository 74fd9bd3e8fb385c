"""Connections are made to the right host, by one lookup for many, and with its certificate verified."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from services.dispatcher.provider_api import dialer as dialer_module
from services.dispatcher.provider_api.dialer import Dialer, NotConnected, Resolver
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.provider_api.origin import encode_headers, read_origin
from services.dispatcher.provider_api.replies import Reply
from tests.chaos.faults.certificates import Certificates, make_certificates
from tests.unit.dispatcher.provider_api.misbehaving_server import whole
from tests.unit.dispatcher.provider_api.waiting_owner import wait_for_reply


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return asyncio.run(make_certificates(tmp_path_factory.mktemp("certificates")))


@contextlib.asynccontextmanager
async def encrypted(context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serves HTTPS, and yields the port and the requests."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(whole(b"{}"))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], requests


async def post(url: str, times: int = 1) -> list[Reply]:
    client = HttpClient(read_origin(url), most_open=5)
    deadline = asyncio.get_running_loop().time() + 10
    replies = [
        await wait_for_reply(lambda owner: client.begin(b"/", b"", b"", deadline=deadline, owner=owner), client.cancel)
        for _ in range(times)
    ]
    await client.close()
    return replies


async def test_a_trusted_certificate_of_the_host_is_spoken_to(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
    async with encrypted(certificates.good) as (port, requests):
        replies = await post(f"https://127.0.0.1:{port}", 3)
    assert [(reply.kind, reply.body) for reply in replies] == [("answered", b"{}")] * 3
    assert len(requests) == 3


@pytest.mark.parametrize("fault", ["unknown", "other_host"])
async def test_another_certificate_is_refused_before_anything_is_sent(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
    async with encrypted(getattr(certificates, fault)) as (port, requests):
        (reply,) = await post(f"https://127.0.0.1:{port}")
    assert (reply.kind, reply.detail) == ("unreachable", "TLS failed: CERTIFICATE_VERIFY_FAILED")
    assert requests == []


async def test_the_hosts_name_is_said_to_the_server(certificates: Certificates) -> None:
    names: list[str | None] = []
    certificates.unknown.sni_callback = lambda _, name, __: names.append(name)
    async with encrypted(certificates.unknown) as (port, _):
        await post(f"https://localhost:{port}")
    certificates.unknown.sni_callback = None
    assert set(names) == {"localhost"}


async def test_a_handshake_that_never_ends_is_given_up() -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        left.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(NotConnected, match="no connection in time"):
            await Dialer(read_origin(url), seconds=0.2).dial(asyncio.Protocol)
        # It is not only given up: its connection is closed.
        await left.wait()


class Greeted(asyncio.Protocol):
    """A protocol that knows its transport."""

    transport: asyncio.BaseTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport


class Names:
    """A resolver of the system's that answers only while `gate` is set."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.lookups = 0
        self.gate = asyncio.Event()

    async def getaddrinfo(self, _: str, port: int, **__: object) -> list[tuple[object, ...]]:
        self.lookups += 1
        await self.gate.wait()
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names("10.0.0.1", "10.0.0.2")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", made.getaddrinfo)
    return made


async def test_a_thousand_cold_requests_ask_for_the_name_once(names: Names) -> None:
    resolver = Resolver("provider.example", 80)
    asking = [asyncio.create_task(resolver.addresses()) for _ in range(1000)]
    await asyncio.sleep(0)
    asking[0].cancel()
    names.gate.set()
    found = await asyncio.gather(*asking[1:])
    assert (names.lookups, list(found[0])) == (1, ["10.0.0.1", "10.0.0.2"])
    await resolver.addresses()
    assert names.lookups == 1


async def test_known_addresses_outlive_a_failing_lookup(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer_module, "ADDRESS_SECONDS", 0.0)
    names.gate.set()
    resolver = Resolver("provider.example", 80)
    await resolver.addresses()
    resolver.put_last("10.0.0.1")
    names.addresses.clear()
    assert list(await resolver.addresses()) == ["10.0.0.2", "10.0.0.1"]
    # What answered last is asked first, also after the next lookup.
    names.addresses += ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert list(await resolver.addresses()) == ["10.0.0.2", "10.0.0.1", "10.0.0.3"]
    assert names.lookups == 3


async def test_a_name_that_is_not_known_is_asked_for_again(names: Names) -> None:
    names.gate.set()
    names.addresses.clear()
    resolver = Resolver("provider.example", 80)
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await resolver.addresses()
    assert names.lookups == 2


async def test_an_address_that_does_not_answer_is_tried_last_from_then_on(names: Names) -> None:
    names.gate.set()
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.2", 0) as server:
        port = server.sockets[0].getsockname()[1]
        # Nobody listens at the first address.
        names.addresses[:] = ["127.0.0.1", "127.0.0.2"]
        dialer = Dialer(read_origin(f"http://provider.example:{port}"))
        (await dialer.dial(Greeted)).transport.close()
        assert await dialer.addresses() == ["127.0.0.2", "127.0.0.1"]
        dialer.close()


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://host/v1/", "host", b"/v1"),
        ("http://host:80", "host", b""),
        ("https://host:443/a b", "host", b"/a%20b"),
        ("https://host:80/a%20b", "host:80", b"/a%20b"),
        ("http://[::1]:8090/v1", "[::1]:8090", b"/v1"),
        ("http://пример.рф/путь", "xn--e1afmkfd.xn--p1ai", b"/%D0%BF%D1%83%D1%82%D1%8C"),
    ],
)
def test_a_url_is_read(url: str, authority: str, path: bytes) -> None:
    origin = read_origin(url)
    assert (origin.authority, origin.path) == (authority, path)


@pytest.mark.parametrize("url", ["http://", "ftp://host", "http://host:99999", "host"])
def test_a_url_without_a_host_or_with_an_impossible_port_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        read_origin(url)


def test_a_header_cannot_begin_another() -> None:
    assert encode_headers({"A": "1", "B": "2"}) == b"A: 1\r\nB: 2\r\n"
    with pytest.raises(ValueError, match="line break"):
        encode_headers({"A": "1\r\nB: 2"})
