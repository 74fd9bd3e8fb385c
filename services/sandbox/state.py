"""What the requests of one sandbox share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from services.sandbox.faults import Faults
from services.sandbox.ledger import Ledger
from services.sandbox.listener import Door
from services.sandbox.token import Gate


@dataclass(slots=True)
class State:
    """`draw` gives random numbers from 0 to below 1. Without a door, the listener stays open when faults refuse."""

    gate: Gate
    draw: Callable[[], float]
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    door: Door | None = None


STATE = web.AppKey("state", State)
