"""The metrics of requests."""

import pytest
from prometheus_client import CollectorRegistry

from services.api.metrics import Metrics


@pytest.mark.parametrize(
    ("method", "label"), [("GET", "GET"), ("DELETE", "DELETE"), ("BREW", "other"), ("get", "other")]
)
def test_a_method_that_a_client_made_up_is_no_series_of_its_own(method: str, label: str) -> None:
    registry = CollectorRegistry()
    Metrics.on(registry).record_request(method, "/api/v1/mailings", 405, 0.002)
    labels = {"method": label, "path": "/api/v1/mailings", "status": "405"}
    assert registry.get_sample_value("herald_api_request_seconds_count", labels) == 1
