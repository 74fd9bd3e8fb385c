"""The topology is complete, and no message can be lost or travel in circles in it."""

import fnmatch
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import topology
from shared.messages import MailingEventName
from shared.settings import DEFAULT_RETRY_DELAYS, parse_delay
from shared.topology import Argument, Binding, Exchange, Queue

TABLE = topology.build(DEFAULT_RETRY_DELAYS)
QUEUES = {queue.name: queue for queue in TABLE.queues}
DEAD_QUEUES = ("planner.dead", "dispatcher.dead", "reporter.dead")


def dead_letters_of(queue: Queue) -> list[str]:
    """Names the queues that a dead letter of this one reaches."""
    exchange, key = queue.arguments.get("x-dead-letter-exchange"), queue.arguments.get("x-dead-letter-routing-key")
    if exchange is None:
        return []
    if exchange == "":
        return [name for name in QUEUES if name == key]
    return [binding.queue for binding in TABLE.bindings if (binding.exchange, binding.key) == (exchange, key)]


def guarded(dead_queue: str, **more: Argument) -> dict[str, Argument]:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "herald.dead",
        "x-dead-letter-routing-key": dead_queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": 1000,
        **more,
    }


def delayed(milliseconds: int, then: str = "dispatcher.jobs") -> dict[str, Argument]:
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": milliseconds,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": then,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def capped(length: int) -> dict[str, Argument]:
    return {"x-queue-type": "quorum", "x-max-length": length, "x-overflow": "drop-head"}


def test_the_exchanges_are_those_of_the_documentation() -> None:
    assert set(TABLE.exchanges) == {
        Exchange("herald.mailings", "topic"),
        Exchange("herald.jobs", "direct"),
        Exchange("herald.retry", "direct"),
        Exchange("herald.results", "direct"),
        Exchange("herald.receipts", "direct"),
        Exchange("herald.dead", "direct"),
    }


def test_the_queues_are_those_of_the_documentation() -> None:
    assert {name: queue.arguments for name, queue in QUEUES.items()} == {
        "planner.mailings": capped(10_000),
        "dispatcher.jobs": guarded("dispatcher.dead"),
        "dispatcher.retry.5s": delayed(5_000),
        "dispatcher.retry.30s": delayed(30_000),
        "dispatcher.retry.2m": delayed(120_000),
        "dispatcher.retry.10m": delayed(600_000),
        "dispatcher.retry.30m": delayed(1_800_000),
        "reporter.results": guarded("reporter.dead", **{"x-single-active-consumer": True}),
        "reporter.receipts": guarded("reporter.dead"),
        "reporter.receipts.retry": delayed(15_000, "reporter.receipts"),
        "planner.dead": capped(100_000),
        "dispatcher.dead": capped(100_000),
        "reporter.dead": capped(100_000),
    }


def test_no_name_stands_there_twice() -> None:
    names = [exchange.name for exchange in TABLE.exchanges] + [queue.name for queue in TABLE.queues]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("binding", TABLE.bindings, ids=lambda binding: f"{binding.exchange}:{binding.key}")
def test_a_binding_joins_what_is_declared(binding: Binding) -> None:
    assert binding.exchange in {exchange.name for exchange in TABLE.exchanges}
    assert binding.queue in QUEUES


@pytest.mark.parametrize("name", QUEUES)
def test_every_queue_is_bound(name: str) -> None:
    assert [binding.exchange for binding in TABLE.bindings if binding.queue == name]


@pytest.mark.parametrize("name", [name for name in QUEUES if name not in (*DEAD_QUEUES, "planner.mailings")])
def test_a_dead_letter_ends_in_exactly_one_declared_queue(name: str) -> None:
    assert len(dead_letters_of(QUEUES[name])) == 1


# The events queue drops what it refuses, so unreadable events are published to planner.dead instead.
@pytest.mark.parametrize("name", [*DEAD_QUEUES, "planner.mailings"])
def test_a_terminal_queue_dead_letters_nothing(name: str) -> None:
    assert not [argument for argument in QUEUES[name].arguments if argument.startswith("x-dead-letter")]


def test_a_dead_letter_does_not_travel_in_circles() -> None:
    # RabbitMQ drops a message that expires round a cycle, and a work queue that fed a retry queue would be one.
    for queue in TABLE.queues:
        path, ahead = [queue.name], dead_letters_of(queue)
        while ahead:
            assert ahead[0] not in path
            path.append(ahead[0])
            ahead = dead_letters_of(QUEUES[ahead[0]])
        assert path[-1] in (*DEAD_QUEUES, "planner.mailings")


@pytest.mark.parametrize("argument", ["x-expires", "x-max-priority", "x-queue-mode"])
def test_no_queue_has_an_argument_that_some_broker_refuses_or_that_loses_messages(argument: str) -> None:
    assert not [queue.name for queue in TABLE.queues if argument in queue.arguments]


def test_only_retry_queues_let_messages_expire() -> None:
    expiring = {queue.name for queue in TABLE.queues if "x-message-ttl" in queue.arguments}
    assert expiring == {*map(topology.retry_queue, DEFAULT_RETRY_DELAYS), topology.REPORTER_RECEIPTS_RETRY}


@pytest.mark.parametrize("event", get_args(MailingEventName))
def test_every_event_reaches_the_planner(event: str) -> None:
    keys = [binding.key for binding in TABLE.bindings if binding.queue == "planner.mailings"]
    assert [key for key in keys if fnmatch.fnmatchcase(event, key.replace("#", "*"))]


delays = st.integers(1, 999_999).map(lambda seconds: timedelta(seconds=seconds))


@settings(deadline=None)
@given(st.lists(delays, min_size=1, max_size=8, unique=True).map(sorted))
def test_each_delay_of_the_settings_has_a_retry_queue_that_waits_as_long(chosen: list[timedelta]) -> None:
    table = topology.build(chosen)
    retries = {queue.name: queue.arguments for queue in table.queues if queue.name.startswith("dispatcher.retry.")}
    assert len(retries) == len(chosen)
    for delay in chosen:
        name = topology.retry_queue(delay)
        assert retries[name]["x-message-ttl"] == delay / timedelta(milliseconds=1)
        assert Binding("herald.retry", name, name) in table.bindings


@pytest.mark.parametrize(
    ("delay", "name"),
    [
        (timedelta(seconds=1), "1s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=60), "1m"),
        # Only a whole number of minutes is written in minutes.
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=1), "1h"),
        (timedelta(days=2), "48h"),
    ],
)
def test_a_delay_is_named_in_its_largest_unit(delay: timedelta, name: str) -> None:
    assert topology.delay_name(delay) == name
    assert topology.retry_queue(delay) == f"dispatcher.retry.{name}"


@given(delays)
def test_a_delay_is_read_as_it_was_named(delay: timedelta) -> None:
    assert parse_delay(topology.delay_name(delay)) == delay
