"""Which PostgreSQL and which RabbitMQ `herald up` uses."""

import pytest

from cli.native.selection import Availability, BrokerSource, DatabaseSource, select_broker, select_database


@pytest.mark.parametrize(
    ("url_given", "local_answers", "installed", "can_install", "choice"),
    [
        (True, True, True, True, BrokerSource.GIVEN),
        (True, False, False, False, BrokerSource.GIVEN),
        (False, True, True, True, BrokerSource.LOCAL),
        (False, False, True, True, BrokerSource.PRIVATE),
        (False, False, True, False, BrokerSource.PRIVATE),
        (False, False, False, True, BrokerSource.INSTALL),
        (False, False, False, False, BrokerSource.MISSING),
    ],
)
def test_the_first_available_broker_is_used(
    url_given: bool, local_answers: bool, installed: bool, can_install: bool, choice: BrokerSource
) -> None:
    assert select_broker(Availability(url_given, local_answers, installed, can_install)) is choice


@pytest.mark.parametrize(
    ("url", "choice"),
    [("postgresql://db/herald", DatabaseSource.GIVEN), ("", DatabaseSource.EMBEDDED), (None, DatabaseSource.EMBEDDED)],
)
def test_the_database_is_embedded_unless_one_is_given(url: str | None, choice: DatabaseSource) -> None:
    assert select_database(url) is choice
