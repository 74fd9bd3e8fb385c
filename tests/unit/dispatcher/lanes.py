"""Builds lanes, mappings and fleets, so that a test names only what matters to it."""

import math
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from services.dispatcher.admission.adaptive_concurrency import AdaptiveConcurrency
from services.dispatcher.admission.admission import Admission
from services.dispatcher.admission.breaker import Breaker
from services.dispatcher.admission.rate_limit import make_limit
from services.dispatcher.provider_api.http_client import HttpClient
from services.dispatcher.providers.environment import environment_file, environment_secrets
from services.dispatcher.providers.fleet import Fleet
from services.dispatcher.providers.lane import Lane
from services.dispatcher.providers.mapping import ProviderMapping, Surroundings, compile_file, compile_provider
from services.dispatcher.providers.routing import Pool, Router
from services.dispatcher.settings import DispatcherSettings
from shared.providers.schema import ProviderConfig
from shared.providers.secrets import SecretValues
from tests.support.builders import TOKEN

REQUEST = {
    "url": "https://sms.example/send",
    "json": {"id": "{{message_id}}", "phone": "{{phone}}", "text": "{{text}}"},
}


def probe_mapping(url: str = "http://provider.invalid/v1", token: str = TOKEN) -> ProviderMapping:
    """Builds the mapping of the one provider of the environment."""
    config = DispatcherSettings(provider_url=url, provider_token=SecretStr(token))
    return compile_file(environment_file(config), environment_secrets(config), Surroundings())["probe"]


def a_mapping(name: str = "ours", **over: Any) -> ProviderMapping:
    """Builds the mapping of a provider that accepts with 200, and recognises no second request."""
    usual = {"request": REQUEST, "reply": [{"when": {"status": 200}, "verdict": "accepted"}]}
    return compile_provider(name, ProviderConfig.model_validate({**usual, **over}), SecretValues({}), Surroundings())


def a_lane(
    client: HttpClient,
    mapping: ProviderMapping | None = None,
    *,
    admission: Admission | None = None,
    rate: float | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Lane:
    """Builds the lane of a mapping; without one, that of the provider of the environment."""
    admission = admission or Admission(Breaker(lambda: 1.0), AdaptiveConcurrency(100))
    label = None if mapping is None else mapping.name
    limiter = make_limit(rate, clock)
    if rate is not None:
        # All tokens, for as long as the test takes.
        limiter.lease(limiter.total, limiter.total, math.inf)
    return Lane(mapping or probe_mapping(), client, admission, limiter, label=label)


def a_fleet(*lanes: Lane, **weights: float) -> Fleet:
    """Builds a fleet of these lanes, with one route for all. Weights are 1 where none is given."""
    pool = Pool({lane.name: weights.get(lane.name, 1.0) for lane in lanes})
    return Fleet({lane.name: lane for lane in lanes}, Router([(None, pool)]))
