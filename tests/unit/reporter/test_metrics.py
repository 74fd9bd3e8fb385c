"""A reporter shows whether it folds or stands by."""

from prometheus_client import CollectorRegistry

from services.reporter.metrics import ACTIVE_SECONDS, Metrics
from tests.support.fakes import FakeClock


def test_a_reporter_that_gets_nothing_for_three_fences_stands_by() -> None:
    registry = CollectorRegistry()
    # The moments of: the first look, the delivery, and two looks after it.
    metrics = Metrics(registry, FakeClock(0.0, 1.0, ACTIVE_SECONDS, 1.0 + ACTIVE_SECONDS))
    assert registry.get_sample_value("herald_reporter_active") == 0
    metrics.record_delivery()
    assert registry.get_sample_value("herald_reporter_active") == 1
    assert registry.get_sample_value("herald_reporter_active") == 0


def test_a_fold_shows_how_long_it_lasts_and_nothing_once_it_is_over() -> None:
    registry = CollectorRegistry()
    clock = FakeClock(100.0)
    metrics = Metrics(registry, clock)
    assert registry.get_sample_value("herald_fold_under_way_seconds") == 0
    with metrics.folding():
        clock.move_to(125.0)
        assert registry.get_sample_value("herald_fold_under_way_seconds") == 25
    assert registry.get_sample_value("herald_fold_under_way_seconds") == 0
