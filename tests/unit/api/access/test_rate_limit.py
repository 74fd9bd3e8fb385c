"""The rate of a token as a policy."""

import pytest

from services.api.access.rate_limit import policy_of
from services.api.access.token_bucket import RatePolicy


@pytest.mark.parametrize(
    ("rate", "policy"),
    [(100, RatePolicy(100, 200)), (0.1, RatePolicy(0.1, 1)), (2.5, RatePolicy(2.5, 5)), (1, RatePolicy(1, 2))],
)
def test_a_burst_is_two_seconds_of_the_rate(rate: float, policy: RatePolicy) -> None:
    assert policy_of(rate) == policy
