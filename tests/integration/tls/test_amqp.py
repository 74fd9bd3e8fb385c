"""Herald's own AMQP client over TLS: it verifies the broker's certificate and host name."""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared import topology
from shared.broker import Outgoing, Publisher
from shared.health import Health
from shared.settings import DEFAULT_RETRY_DELAYS
from tests.chaos.faults.certificates import Certificates, make_certificates
from tests.support.polling import until
from tests.support.relay import Relay

TABLE = topology.build(DEFAULT_RETRY_DELAYS)


@pytest.fixture
async def certificates(tmp_path: Path) -> Certificates:
    return await make_certificates(tmp_path)


def secure_url(relay: Relay, query: str) -> str:
    return urlsplit(relay.url)._replace(scheme="amqps", query=query).geturl()


async def test_a_body_is_published_over_a_verified_connection(broker_url: str, certificates: Certificates) -> None:
    async with Relay(broker_url, certificates.good) as relay:
        url = secure_url(relay, f"cafile={certificates.trusted}")
        async with Publisher(url, "p", Health(), TABLE, timeout=20) as publisher:
            outgoings = [Outgoing(topology.JOBS, topology.SEND_KEY, b"%d" % number) for number in range(2000)]
            assert all(await publisher.publish_all(outgoings))
            assert await publisher.count_ready(topology.DISPATCHER_JOBS) == 2000


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("unknown", "cafile={trusted}", "certificate verify failed"),
        ("other_host", "cafile={trusted}", "IP address mismatch"),
        ("good", "", "certificate verify failed"),
    ],
)
async def test_a_certificate_that_cannot_be_verified_is_refused_with_its_reason(
    broker_url: str, certificates: Certificates, name: str, query: str, words: str
) -> None:
    context: ssl.SSLContext = getattr(certificates, name)
    health = Health()
    async with Relay(broker_url, context) as relay:
        url = secure_url(relay, query.format(trusted=certificates.trusted))
        async with Publisher(url, "p", health, None):

            async def shown() -> bool:
                return words in health.reasons.get("p", "")

            await until(shown, 20, words)
            assert not health.ready
