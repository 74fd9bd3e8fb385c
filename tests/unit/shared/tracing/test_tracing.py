"""Tracing is off and not even imported unless it is asked for, and its headers are read as they are written."""

import subprocess
import sys

import pytest

from shared.tracing import is_asked_for, join_traceparents, kept, split_traceparents
from shared.tracing.traceparent import is_traceparent

ONE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_the_variables_of_opentelemetry_switch_tracing_on_and_off(environment: dict[str, str], asked: bool) -> None:
    assert is_asked_for(environment) is asked


def test_no_process_imports_opentelemetry_while_tracing_is_off() -> None:
    code = (
        "import sys, services.api.__main__, services.planner.__main__, services.dispatcher.__main__,"
        " services.reporter.__main__; from shared import tracing; tracing.configure('api', {});"
        " sys.exit(tracing.get() is not None or 'opentelemetry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc is not spoken"),
        (ENDPOINT, "pip install 'herald[tracing]'"),
    ],
)
def test_what_stands_in_the_way_of_tracing_is_a_warning(environment: dict[str, str], said: str) -> None:
    code = (
        f"import sys; sys.modules['opentelemetry'] = None; from shared import logs, tracing; logs.configure('api');"
        f" tracing.configure('api', {environment!r}); sys.exit(tracing.get() is not None)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert ended.returncode == 0
    assert '"level":"warning"' in ended.stdout
    assert said in ended.stdout


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (ONE, True),
        (f"01{ONE[2:]}-more", True),
        (f"ff{ONE[2:]}", False),
        (ONE.upper(), False),
        (ONE.replace("00f067aa0ba902b7", "0" * 16), False),
        ("", False),
    ],
)
def test_a_traceparent_is_read_as_w3c_says(text: str, valid: bool) -> None:
    assert is_traceparent(text) is valid


def test_a_body_of_many_results_names_the_trace_of_each_by_its_place() -> None:
    headers = join_traceparents([(0, ONE), (1, None), (2, OTHER)])
    assert split_traceparents(headers) == {0: ONE, 2: OTHER}
    assert join_traceparents([(0, None)]) == {}
    assert split_traceparents({"traceparents": f"0={ONE[:-1]},x={ONE},12345={ONE},,7={OTHER}"}) == {7: OTHER}
    assert split_traceparents({}) == {}


def test_only_the_trace_is_kept_of_the_headers_of_a_job_that_is_published_again() -> None:
    assert kept({"traceparent": ONE, "x-death": [{"count": 1}]}) == {"traceparent": ONE}
    assert kept({"traceparent": 5}) == {}
