"""What Alertmanager keeps back: the consequences of a cause that has an alert of its own, and never the cause."""

import shutil
import subprocess

import pytest

from tests.support.monitoring.inhibition import CONFIG, RULES, names, paged
from tests.unit.deploy.test_alerts import NAMES


def test_amtool_accepts_the_configuration() -> None:
    if (amtool := shutil.which("amtool")) is None:
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    found = subprocess.run([amtool, "check-config", str(CONFIG)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_rules_name_alerts_that_there_are() -> None:
    named = {name for rule in RULES for side in ("source_matchers", "target_matchers") for name in names(rule[side])}
    assert named <= set(NAMES)


@pytest.mark.parametrize(
    ("firing", "page"),
    [
        # The database is away: every process, the API, and all that stands still.
        (
            {"HeraldDatabaseAway", "HeraldNothingSent", "HeraldApiErrors"},
            {"HeraldDatabaseAway"},
        ),
        ({"HeraldDatabaseReadOnly", "HeraldNothingSent", "HeraldFoldLag"}, {"HeraldDatabaseReadOnly"}),
        # Rights of the broker that vanish.
        (
            {"HeraldBrokerAway", "HeraldNothingSent", "HeraldReporterMissing", "HeraldDeadlineAtRisk"},
            {"HeraldBrokerAway"},
        ),
        ({"HeraldPublishingBlocked", "HeraldResultsUnconfirmed", "HeraldNothingSent"}, {"HeraldPublishingBlocked"}),
        # A planner or a reporter that is gone.
        ({"HeraldProcessDown", "HeraldGaugesMissing", "HeraldNothingSent"}, {"HeraldProcessDown"}),
        ({"HeraldFoldStuck", "HeraldNothingSent", "HeraldFoldLag"}, {"HeraldFoldStuck"}),
        ({"HeraldReporterMissing", "HeraldNothingSent", "HeraldFoldLag"}, {"HeraldReporterMissing"}),
        # The provider.
        ({"HeraldBreakerOpen", "HeraldDeadlineAtRisk", "HeraldNothingSent"}, {"HeraldBreakerOpen"}),
        ({"HeraldTokenRefused", "HeraldNothingSent"}, {"HeraldTokenRefused"}),
        ({"HeraldProviderThrottles", "HeraldDeadlineAtRisk"}, {"HeraldProviderThrottles"}),
        ({"HeraldMailingPaused", "HeraldMessagesRejected"}, {"HeraldMailingPaused"}),
        ({"HeraldBrokerAlarm", "HeraldPublishingBlocked", "HeraldNothingSent"}, {"HeraldBrokerAlarm"}),
        ({"HeraldBudgetBurnsFast", "HeraldBreakerOpen"}, {"HeraldBreakerOpen"}),
        # An unreadable body lies in a dead queue.
        ({"HeraldUnreadable", "HeraldDeadLetters"}, {"HeraldUnreadable"}),
        # Two causes are two pages.
        ({"HeraldBreakerOpen", "HeraldDeadLetters"}, {"HeraldBreakerOpen", "HeraldDeadLetters"}),
        ({"HeraldDatabaseAway", "HeraldBrokerAway"}, {"HeraldDatabaseAway", "HeraldBrokerAway"}),
    ],
)
def test_one_cause_is_one_page(firing: set[str], page: set[str]) -> None:
    assert paged(firing) == page


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_alone_always_reaches_somebody(name: str) -> None:
    assert paged({name}) == {name}
