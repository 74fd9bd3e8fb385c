"""Decisions about a mailing as answers: what is not allowed becomes a problem."""

from typing import TypeVar

from services.api.mailings.rules import Forbidden, Wrong
from services.api.web.problems import conflict, invalid

DecisionT = TypeVar("DecisionT")


def allowed(decision: DecisionT | Forbidden | Wrong) -> DecisionT:
    """Lets a decision through. Raises a 409 or 422 problem, which also rolls a transaction back."""
    if isinstance(decision, Forbidden):
        raise conflict(decision.detail)
    if isinstance(decision, Wrong):
        raise invalid(decision.error)
    return decision
