"""The breaker's state in the log, in the metrics and in /readyz."""

from structlog.testing import capture_logs

from services.dispatcher.admission.breaker import PROBES, Breaker
from services.dispatcher.admission.breaker_watch import BreakerWatch
from shared.health import Health
from shared.metrics import new_registry


def test_a_change_shows_once_in_log_metrics_and_details_and_never_makes_unready() -> None:
    breaker, health, registry = Breaker(lambda: 1.0), Health(), new_registry()
    watch = BreakerWatch(breaker, health, registry)
    with capture_logs() as lines:
        watch.look(0.0)
        breaker.trip(1.0)
        watch.look(1.0)
        watch.look(2.0)
        watch.look(6.0)
        for probes in PROBES:
            for ticket in [breaker.begin(6.0) for _ in range(probes)]:
                breaker.end(6.0, ticket, failed=False)
        watch.look(6.1)
    assert [(line["state"], line["log_level"]) for line in lines] == [
        ("open", "warning"),
        ("half-open", "warning"),
        ("closed", "info"),
    ]
    assert registry.get_sample_value("herald_breaker", {"herald_breaker": "closed"}) == 1
    assert registry.get_sample_value("herald_breaker_openings_total") == 1
    assert health.details == {"breaker": "closed"}
    assert health.ready
