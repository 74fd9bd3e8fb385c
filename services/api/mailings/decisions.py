"""Connects the rules of mailings to requests: reads a mailing under lock, and turns refusals into problems."""

from typing import TypeVar

from services.api.mailings import store
from services.api.mailings.rules import LockedMailing, MailingPlan, StateConflict
from services.api.web.problems import InvalidValue, conflict, invalid, not_found
from services.api.web.versions import Precondition
from shared.database import Connection, Pool

DecisionT = TypeVar("DecisionT")


async def lock_mailing(connection: Connection, mailing_id: int, precondition: Precondition) -> LockedMailing:
    """Locks a mailing until the transaction ends, and reads what a decision needs. Raises problems: 404 and 412."""
    if not await store.lock(connection, mailing_id):
        raise not_found("mailing")
    locked = await store.read_locked(connection, mailing_id)
    precondition.check(locked.updated_at)
    return locked


async def require_unsent_of(connection: Connection | Pool, plan: MailingPlan | None) -> None:
    """Raises a 422 problem if a plan names a mailing that does not exist."""
    if plan is not None and plan.unsent_of is not None and not await store.exists(connection, plan.unsent_of):
        raise invalid(InvalidValue(("body", "filter", "unsent_of"), "must be the id of a mailing"))


def allowed(decision: DecisionT | StateConflict | InvalidValue) -> DecisionT:
    """Returns a decision that allows the request.

    Raises a 409 or 422 problem for any other, which rolls the transaction back.
    """
    if isinstance(decision, StateConflict):
        raise conflict(decision.detail)
    if isinstance(decision, InvalidValue):
        raise invalid(decision)
    return decision
