"""The ops port, and the metrics that every process has."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import prometheus_client
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from shared.health import Health
from shared.metrics import MOST_GATHERED, ChildCounters, GatheredHistogram, dead_letter_counters, new_registry
from shared.ops import serve_ops
from shared.settings import SettingsError


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def free_port() -> int:
    """Returns a port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def test_a_process_is_ready_when_all_its_parts_are_up(http: aiohttp.ClientSession) -> None:
    health, port = Health(), free_port()
    health.require("database", "broker")
    async with serve_ops("127.0.0.1", port, health, new_registry()):
        url = f"http://127.0.0.1:{port}"
        for up, status in (((), 503), (("database",), 503), (("database", "broker"), 200)):
            for part in up:
                health.set(part, True)
            async with http.get(f"{url}/readyz") as ready, http.get(f"{url}/livez") as live:
                assert (ready.status, live.status) == (status, 200)
                assert (await ready.json())["parts"] == {"database": "database" in up, "broker": "broker" in up}


async def test_metrics_are_served_in_the_text_format(http: aiohttp.ClientSession) -> None:
    port = free_port()
    async with (
        serve_ops("127.0.0.1", port, Health(), new_registry()),
        http.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        assert answer.content_type == "text/plain"
        assert "python_info" in await answer.text()


async def test_requiring_a_part_does_not_change_whether_it_is_up() -> None:
    health = Health()
    health.set("database", True)
    health.require("database")
    assert health.ready


async def test_a_taken_port_names_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^HERALD_OPS_PORT: 127.0.0.1:{port} "):
            async with serve_ops("127.0.0.1", port, Health(), new_registry()):
                pass


async def test_port_0_serves_nothing() -> None:
    async with serve_ops("nowhere.invalid", 0, Health(), new_registry()):
        pass


async def test_metrics_show_what_is_up_and_what_is_missing() -> None:
    health, registry = Health(), new_registry()
    health.require("database", "broker")
    health.set("database", True)
    async with serve_ops("127.0.0.1", free_port(), health, registry):
        assert registry.get_sample_value("herald_ready") == 0
        assert registry.get_sample_value("herald_part_up", {"part": "database", "required": "yes"}) == 1
        assert registry.get_sample_value("herald_part_up", {"part": "broker", "required": "yes"}) == 0
        health.set("broker", True)
        assert registry.get_sample_value("herald_ready") == 1


def test_known_series_are_there_from_the_start_and_new_ones_from_their_first() -> None:
    registry = new_registry()
    children = ChildCounters(Counter("fruits", "Fruits.", ["kind"], registry=registry), ("apple",))
    assert registry.get_sample_value("fruits_total", {"kind": "apple"}) == 0
    children["pear"].inc(2)
    children["pear"].inc()
    assert registry.get_sample_value("fruits_total", {"kind": "pear"}) == 3


def test_every_reason_of_a_dead_letter_is_a_series() -> None:
    registry = new_registry()
    dead_letter_counters("some.dead", ("unreadable",), registry)["unreadable"].inc()
    labels = {"queue": "some.dead", "reason": "unreadable"}
    assert registry.get_sample_value("herald_dead_letters_total", labels) == 1


def test_the_build_is_a_series_and_there_are_no_creation_times() -> None:
    registry = new_registry()
    Counter("fruits", "Fruits.", registry=registry)
    text = prometheus_client.generate_latest(registry).decode()
    assert 'herald_build_info{python="3.' in text
    assert "_created" not in text


BOUNDS = (0.005, 0.1, 1, 60, 86400)


@given(st.lists(st.lists(st.sampled_from(BOUNDS) | st.floats(0, 100_000), max_size=20), max_size=4), st.integers(0, 2))
def test_a_gathered_histogram_is_scraped_as_one_that_counts_each_value(scrapes: list[list[float]], full: int) -> None:
    new_registry()
    counted, gathered = CollectorRegistry(), CollectorRegistry()
    plain = Histogram("herald_seconds", "Seconds.", buckets=BOUNDS, registry=counted)
    ours = GatheredHistogram("herald_seconds", "Seconds.", buckets=BOUNDS, registry=gathered)
    for values in [*scrapes, [0.5] * (full * MOST_GATHERED)]:
        for value in values:
            plain.observe(value)
            ours.observe(value)
        figures, expected = _figures(gathered), _figures(counted)
        assert figures.pop("herald_seconds_sum") == pytest.approx(expected.pop("herald_seconds_sum"))
        assert figures == expected


def _figures(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_a_gathered_histogram_keeps_a_bounded_number_of_values() -> None:
    histogram = GatheredHistogram("herald_seconds", "Seconds.", buckets=BOUNDS, registry=CollectorRegistry())
    for _ in range(3 * MOST_GATHERED + 7):
        histogram.observe(1.0)
    assert len(histogram._gathered) == 7


def test_children_with_several_labels_are_looked_up_by_all_of_them() -> None:
    registry = CollectorRegistry()
    children = ChildCounters(Counter("herald_things", "Things.", ["kind", "size"], registry=registry))
    children["a", "small"].inc()
    assert children["a", "small"] is children["a", "small"]
    assert registry.get_sample_value("herald_things_total", {"kind": "a", "size": "small"}) == 1
