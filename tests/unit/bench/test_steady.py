"""What the benches of steadiness read and calculate."""

from collections import Counter

from bench.steady.far_services import PLACES, FarPlace
from bench.steady.sending_watch import SendingReport, count_causes, parse_given_back
from cli.stack.port_assignment import name_processes

METRICS = """\
# TYPE herald_claims_given_back_total counter
herald_claims_given_back_total{reason="edit"} 3.0
herald_claims_given_back_total{reason="lease"} 0.0
herald_claims_given_back_total{reason="time"} 12.0
herald_sending_held_up{cause="lease"} 1.0
"""
LINES = [
    b'{"event": "sending held up", "cause": "database latency", "times": 1}',
    b'{"event": "claims given back", "reason": "sending held up"}',
    b'{"event": "sending held up", "cause": "database latency", "times": 4}',
    b'{"event": "sending held up", "cause": "broker", "times": 1}',
    b"no JSON at all",
]


def test_claims_given_back_are_read_by_reason() -> None:
    assert parse_given_back(METRICS) == {"edit": 3, "time": 12}


def test_causes_are_counted_from_the_log() -> None:
    assert count_causes(LINES) == {"database latency": 2, "broker": 1}


def test_what_held_sending_up_is_a_share_of_the_time() -> None:
    report = SendingReport(Counter({"flowing": 6, "held up: broker": 3, "held up: lease": 1}))
    assert report.shares == "broker 30%, lease 10%"
    assert SendingReport(Counter({"flowing": 6})).shares == ""


def test_latency_explains_slots_over_their_time_and_results_over_theirs() -> None:
    explained = {place.name: round(place.explained(100)) for place in PLACES}
    assert explained["near"] == explained["cores busy"] == 5000
    assert (explained["database 100 ms"], explained["database 1000 ms"]) == (833, 98)
    assert (explained["broker 100 ms"], explained["broker 500 ms"]) == (2000, 400)
    assert FarPlace("both", database_ms=1000, broker_ms=500).explained(100) < 100


def test_a_stack_may_have_no_dispatcher() -> None:
    assert name_processes(0) == ["api", "planner", "reporter"]
    assert name_processes(2) == ["api", "planner", "dispatcher", "reporter", "dispatcher-2"]
