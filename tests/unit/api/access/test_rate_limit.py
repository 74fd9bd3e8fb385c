import pytest

from services.api.access.rate_limit import policy_of
from services.api.access.token_bucket import Policy


@pytest.mark.parametrize(
    ("rate", "policy"), [(100, Policy(100, 200)), (0.1, Policy(0.1, 1)), (2.5, Policy(2.5, 5)), (1, Policy(1, 2))]
)
def test_a_burst_is_two_seconds_of_the_rate(rate: float, policy: Policy) -> None:
    assert policy_of(rate) == policy
