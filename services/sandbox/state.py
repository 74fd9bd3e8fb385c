"""The state that the requests of one sandbox share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from services.sandbox.faults import Faults
from services.sandbox.ledger import Ledger
from services.sandbox.listener import Listener
from services.sandbox.receipts import ReceiptSender
from services.sandbox.token import TokenVerifier


@dataclass(slots=True)
class SandboxState:
    """Verifier, ledger and faults. `draw` returns random numbers from 0 to below 1.

    Without `receipts` none are sent. Without a `listener`, the port stays open when the faults refuse connections.
    """

    verifier: TokenVerifier
    draw: Callable[[], float]
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    listener: Listener | None = None
    receipts: ReceiptSender | None = None


STATE = web.AppKey("state", SandboxState)
