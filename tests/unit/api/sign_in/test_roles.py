"""Which claim gives which role."""

from typing import Any

import pytest

from services.api.sign_in.roles import FoundRole, find_role, read_role_map

ROLES = read_role_map("ops=admin, marketing = operator,all=viewer")


@pytest.mark.parametrize(
    ("claims", "path", "found"),
    [
        ({"groups": ["all", "marketing"]}, "groups", FoundRole("operator", ("all", "marketing"))),
        ({"groups": "ops"}, "groups", FoundRole("admin", ("ops",))),
        ({"realm_access": {"roles": ["ops"]}}, "realm_access.roles", FoundRole("admin", ("ops",))),
        ({"https://example.org/roles": ["ops"]}, "https://example.org/roles", FoundRole("admin", ("ops",))),
        ({"groups": ["cn=x,dc=y"]}, "groups", FoundRole(None, ("cn=x,dc=y",))),
        ({"groups": ["strangers"]}, "groups", FoundRole(None, ("strangers",))),
        ({"groups": {"ops": True}}, "groups", FoundRole(None, ())),
        ({"groups": [1, None, "all"]}, "groups", FoundRole("viewer", ("all",))),
        ({}, "groups", FoundRole(None, None)),
        ({"realm_access": "ops"}, "realm_access.roles", FoundRole(None, None)),
    ],
)
def test_the_highest_role_of_the_claim_counts(claims: dict[str, Any], path: str, found: FoundRole) -> None:
    assert find_role(claims, path, ROLES) == found


@pytest.mark.parametrize("text", ["ops", "ops=root", "=admin", "ops=admin,x"])
def test_a_wrong_map_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a group and a role"):
        read_role_map(text)
