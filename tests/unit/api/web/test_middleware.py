"""The id of a request."""

import pytest

from services.api.web.middleware import request_id


@pytest.mark.parametrize("sent", ["a", "A-Z_0.9", "x" * 64])
def test_a_fit_request_id_is_kept(sent: str) -> None:
    assert request_id(sent) == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 65, "a b", "a\n", "ключ", "a/b"])
def test_any_other_is_replaced_by_a_new_one(sent: str | None) -> None:
    made = request_id(sent)
    assert len(made) == 32
    assert made != request_id(sent)
