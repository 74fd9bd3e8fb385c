"""The reporter knows every outcome that an attempt can have."""

from services.dispatcher.provider_api.replies import OUTCOMES
from shared.statuses import ATTEMPT_OUTCOMES


def test_every_outcome_of_a_reply_is_readable_in_a_result() -> None:
    # The other one is of an attempt without a request.
    assert set(ATTEMPT_OUTCOMES) == OUTCOMES | {"not_rendered"}
