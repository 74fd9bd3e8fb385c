"""Which services `herald up` takes."""

import pytest

from cli.native.choice import Broker, Database, Findings, choose_broker, choose_database


@pytest.mark.parametrize(
    ("url_given", "local_answers", "installed", "can_install", "choice"),
    [
        (True, True, True, True, Broker.GIVEN),
        (True, False, False, False, Broker.GIVEN),
        (False, True, True, True, Broker.LOCAL),
        (False, False, True, True, Broker.PRIVATE),
        (False, False, True, False, Broker.PRIVATE),
        (False, False, False, True, Broker.INSTALL),
        (False, False, False, False, Broker.MISSING),
    ],
)
def test_the_first_broker_that_is_there_is_taken(
    url_given: bool, local_answers: bool, installed: bool, can_install: bool, choice: Broker
) -> None:
    assert choose_broker(Findings(url_given, local_answers, installed, can_install)) is choice


@pytest.mark.parametrize(
    ("url", "choice"),
    [("postgresql://db/herald", Database.GIVEN), ("", Database.EMBEDDED), (None, Database.EMBEDDED)],
)
def test_the_database_is_embedded_unless_one_is_given(url: str | None, choice: Database) -> None:
    assert choose_database(url) is choice
