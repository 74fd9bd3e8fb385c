"""The identity of a caller: the name and the role of the token."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aiohttp import web

from services.api.web.shares import SHARES
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


def at_work(request: web.Request) -> AbstractAsyncContextManager[None]:
    """Holds one of the places of the request's token while a block works for it."""
    return request.app[SHARES].take(request, request[IDENTITY].name)
