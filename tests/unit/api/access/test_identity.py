"""What each role may do."""

import pytest

from services.api.access.identity import Identity
from shared.statuses import ROLES, Role


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", [True, False, False]), ("operator", [True, True, False]), ("admin", [True, True, True])],
)
def test_a_role_may_what_those_before_it_may(role: Role, may: list[bool]) -> None:
    assert [Identity("x", role).may(needed) for needed in ROLES] == may
