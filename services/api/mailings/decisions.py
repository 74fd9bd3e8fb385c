"""Connects the rules of mailings to requests: reads a mailing under lock, and turns refusals into problems."""

from typing import TypeVar

from services.api.mailings import store
from services.api.mailings.rules import LockedMailing, StateConflict
from services.api.web.problems import InvalidValue, conflict, invalid, not_found
from shared.database import Connection

DecisionT = TypeVar("DecisionT")


async def lock_mailing(connection: Connection, mailing_id: int) -> LockedMailing:
    """Locks a mailing until the transaction ends, and reads what a decision needs. Raises a 404 problem."""
    if not await store.lock(connection, mailing_id):
        raise not_found("mailing")
    return await store.read_locked(connection, mailing_id)


def allowed(decision: DecisionT | StateConflict | InvalidValue) -> DecisionT:
    """Returns a decision that allows the request.

    Raises a 409 or 422 problem for any other, which rolls the transaction back.
    """
    if isinstance(decision, StateConflict):
        raise conflict(decision.detail)
    if isinstance(decision, InvalidValue):
        raise invalid(decision)
    return decision
