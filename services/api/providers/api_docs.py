"""Describes the operations on providers for the API's document."""

from collections.abc import Mapping

from services.api.providers import handlers as providers
from services.api.providers.responses import ProviderShown, ProvidersShown, Reloaded
from services.api.web.operation import MADE_AT, Json, Operation, success
from services.api.web.route import Handler

PROVIDER: Json = {
    "name": "smsc",
    "state": "closed",
    "reason": None,
    "broken_since": None,
    "dispatchers": 1,
    "in_flight": 3,
    "per_second": 48.5,
    "failing": 0.02,
    "test_mode": False,
    "drained_at": None,
    "held_until": None,
}
DRAINED: Json = PROVIDER | {"state": "drained", "drained_at": MADE_AT}

OPERATIONS: Mapping[Handler, Operation] = {
    providers.listing: Operation(
        "listProviders",
        "providers",
        "Lists the providers with their state, their rate in use and their share of errors, as the running dispatchers "
        "see them.",
        {200: success("All providers.", ProvidersShown, {"items": [PROVIDER]})},
    ),
    providers.drain: Operation(
        "drainProvider",
        "providers",
        "Sends nothing through a provider any more. The answer comes when no request to it can begin; those that have "
        "begun end by themselves. Its messages go to the other providers of their route, or wait.",
        {200: success("The provider, drained.", ProviderShown, DRAINED)},
    ),
    providers.resume: Operation(
        "resumeProvider",
        "providers",
        "Sends through a drained provider again.",
        {200: success("The provider.", ProviderShown, PROVIDER)},
    ),
    providers.reload: Operation(
        "reloadProviders",
        "providers",
        "Asks every running dispatcher to read its providers file again. One whose file is wrong keeps the old one, "
        "and logs each fault.",
        {202: success("The dispatchers were asked.", Reloaded, {"dispatchers": 1})},
    ),
}
