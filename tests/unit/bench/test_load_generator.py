"""The load generator sends only requests that the API has, and its figures are right."""

import random
import re

import pytest

from bench.load_generator import MIX, RATE, LoadTarget, ResponseTimes, draft
from bench.percentiles import percentile
from services.api.mailings.schemas import MailingNew
from services.api.routes import ROUTES

TARGET = LoadTarget(clients=[1], mailings=[2], drafts=[3])


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([1.0], 0.99, 1.0), ([1.0, 2.0, 3.0], 0.5, 2.0), (list(map(float, range(100))), 0.99, 99.0)],
)
def test_a_percentile_is_the_value_below_which_a_share_lies(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_the_mix_is_a_hundred_calls_of_which_a_quarter_write() -> None:
    assert sum(weight for weight, _ in MIX) == 100
    assert sum(weight for weight, make in MIX if make(TARGET).method != "GET") == 25
    assert RATE == 200


def test_every_call_has_a_route_of_the_api() -> None:
    known = {(route.method, re.sub(r"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "{id}", route.path)) for route in ROUTES}
    for _, make in MIX:
        call = make(TARGET)
        path = re.sub(r"/\d+", "/{id}", call.path.partition("?")[0])
        assert (call.method, path) in known


def test_a_draft_is_a_mailing_that_the_api_accepts() -> None:
    assert MailingNew.model_validate(draft() | {"end_at": draft()["end_at"]}).filter.tags == ["none"]


def test_phones_are_never_used_twice() -> None:
    random.seed(1)
    phones = [TARGET.new_phone() for _ in range(1000)]
    assert len(set(phones)) == 1000
    assert all(re.fullmatch(r"7\d{10}", phone) for phone in phones)


def test_reads_and_writes_have_figures_of_their_own() -> None:
    times = ResponseTimes()
    times.of["GET /clients/{id}"] += [1.0, 2.0]
    times.of["POST /clients"] += [30.0]
    times.of["PATCH /clients/{id}"] += [40.0]
    times.failures = 2
    figures = times.figures()
    assert (figures["requests"], figures["failures"]) == (6, 2)
    assert (figures["reads_p99_ms"], figures["writes_p99_ms"]) == (2.0, 40.0)
    assert times.by_call()["POST /clients"] == {"p50_ms": 30.0, "p99_ms": 30.0}
