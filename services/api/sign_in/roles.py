"""Maps a claim of an ID token to a role. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.statuses import ROLES, Role

_MISSING = object()


@dataclass(frozen=True, slots=True)
class RoleMap:
    """Which value of the role claim has which role."""

    roles: Mapping[str, Role]

    def __bool__(self) -> bool:
        return bool(self.roles)


@dataclass(frozen=True, slots=True)
class FoundRole:
    """The highest role that a claim gives, and what the claim said; `seen` is None where it is missing."""

    role: Role | None
    seen: tuple[str, ...] | None


def read_role_map(text: str) -> RoleMap:
    """Parses "ops=admin,marketing=operator". Raises ValueError, which names the wrong part."""
    roles: dict[str, Role] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        group, separator, role = (piece.strip() for piece in part.rpartition("="))
        known = next((one for one in ROLES if one == role), None)
        if not separator or not group or known is None:
            raise ValueError(f"{part!r} is not a group and a role, like ops=admin; roles are {', '.join(ROLES)}")
        roles[group] = known
    return RoleMap(roles)


def find_role(claims: Mapping[str, Any], path: str, roles: RoleMap) -> FoundRole:
    """Finds the highest role that the claim at a dotted path gives. The claim is a text or a list of texts.

    A claim whose own name has dots, as that of a URL, is found by its whole name first.
    """
    value = _find(claims, path)
    if value is _MISSING:
        return FoundRole(None, None)
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    seen = tuple(one for one in values if isinstance(one, str))
    given = [roles.roles[one] for one in seen if one in roles.roles]
    return FoundRole(max(given, key=ROLES.index) if given else None, seen)


def _find(claims: Mapping[str, Any], path: str) -> object:
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return _MISSING
        found = found[name]
    return found
