"""The breaker's state and the limit of requests in the log, in the metrics and in /readyz."""

from structlog.testing import capture_logs

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission_watch import BreakerWatch, ConcurrencyWatch
from services.dispatcher.admission.breaker import PROBES, Breaker
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


def test_a_lowered_concurrency_is_one_line_and_its_restoration_another() -> None:
    concurrency, health = AdaptiveConcurrency(100), Health()
    watch = ConcurrencyWatch(concurrency, health)
    with capture_logs() as lines:
        for second in range(80):
            for _ in range(20):
                concurrency.record(float(second), 0.05, failed=second < 40)
            watch.look()
            if second == 39:
                assert health.details["concurrency"] == "1 of 100"
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("concurrency lowered", "warning"),
        ("concurrency restored", "info"),
    ]
    assert health.details == {}
    assert health.ready
