"""Reads what the provider received: every request in the sandbox's ledger."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import aiohttp

PAGE = 10_000
# The sandbox accepts these, but its reply cannot be read in time: I4 permits a repeat.
LOST_REPLIES = ("lost_reply", "slow_drip")


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A request as the sandbox recorded it; `mode` is the fault that it answered with."""

    message_id: int
    received_at: datetime
    mode: str | None
    accepted: bool
    text: str


async def read_requests(sandbox: aiohttp.ClientSession) -> list[ProviderRequest]:
    """Returns every request in the order of arrival."""
    requests: list[ProviderRequest] = []
    after: int | None = 0
    while after is not None:
        async with sandbox.get(f"/ledger/requests?limit={PAGE}&after={after}") as reply:
            page = await reply.json()
        requests += [
            ProviderRequest(
                message_id=item["id"],
                received_at=datetime.fromisoformat(item["received_at"]),
                mode=item["mode"],
                accepted=item["accepted"],
                text=item["text"] or "",
            )
            for item in page["items"]
        ]
        after = page["next"]
    return requests


def count_acceptances(requests: Iterable[ProviderRequest]) -> Counter[int]:
    """Counts the accepted requests of each message."""
    return Counter(request.message_id for request in requests if request.accepted)


def count_lost_replies(requests: Iterable[ProviderRequest]) -> Counter[int]:
    """Counts for each message the accepted requests whose reply could not be read in time."""
    return Counter(request.message_id for request in requests if request.accepted and request.mode in LOST_REPLIES)
