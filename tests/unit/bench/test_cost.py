"""What a message costs, from two readings, and how two versions compare."""

from bench.baseline import BareRun
from bench.compare import ratios
from bench.course import rate
from bench.processor_time import StackReading, cost
from bench.report import ELSEWHERE, cost_rows

BEFORE = StackReading({"dispatcher": 1.0, "sandbox": 5.0, "RabbitMQ": 100.0}, 1000)
AFTER = StackReading({"dispatcher": 2.0, "sandbox": 9.0, "RabbitMQ": 100.5}, 2_001_000)


def test_a_message_costs_what_all_processes_but_the_sandbox_used() -> None:
    found = cost(BEFORE, AFTER, 1000, bare_us=200.0, elsewhere=[])
    assert found.by_process_us == {"dispatcher": 1000.0, "sandbox": 4000.0, "RabbitMQ": 500.0}
    assert (found.total_us, found.bare_requests, found.wal_bytes) == (1500.0, 7.5, 2000.0)


def test_without_one_of_the_processes_there_is_no_sum() -> None:
    found = cost(BEFORE, AFTER, 1000, bare_us=200.0, elsewhere=["PostgreSQL"])
    assert (found.by_process_us["PostgreSQL"], found.total_us, found.bare_requests) == (None, None, None)
    rows = dict(cost_rows(found))
    assert rows["PostgreSQL (µs)"] == ELSEWHERE
    assert rows["RabbitMQ (µs)"] == 500.0


def test_runs_of_the_bare_client_add_up() -> None:
    both = BareRun(100, 1.0, 0.5) + BareRun(300, 1.0, 0.3)
    assert (both.rate, both.cpu_us) == (200.0, 2000.0)


def test_the_rate_of_a_tenth_of_the_messages() -> None:
    assert (rate(1_000_000, 50.0), rate(100, 0.0)) == (2000.0, 0.0)


def test_versions_are_compared_pair_by_pair() -> None:
    def result(rate: float, dispatcher: float, total: float | None) -> dict[str, object]:
        return {"rate": rate, "cost": {"by_process_us": {"dispatcher": dispatcher}, "total_us": total}}

    pairs = [(result(100, 500, 1), result(300, 250, None)), (result(50, 500, 1), result(100, 100, 1))]
    # Machines drift, so that a ratio is taken within a pair. What one run lacks is not compared.
    assert ratios(pairs) == {"rate": (2.0, 3.0, 3.0), "dispatcher": (0.2, 0.5, 0.5)}
    assert ratios([]) == {}
