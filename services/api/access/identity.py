"""The identity of a caller: the name and the role of the token."""

from dataclasses import dataclass

from aiohttp import web

from shared.statuses import ROLES, Role


@dataclass(frozen=True, slots=True)
class Identity:
    """The name and the role of a token. No token in the table can have a name with a colon."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Returns whether this role includes another."""
        return ROLES.index(self.role) >= ROLES.index(role)


# HERALD_ADMIN_TOKEN.
BOOTSTRAP = Identity("env:admin", "admin")
# Every caller, where authentication is off.
ANYBODY = Identity("env:anybody", "admin")
# Whose name stands in the events of failed sign-ins and refused tokens.
NOBODY = "nobody"

IDENTITY = web.RequestKey("identity", Identity)
