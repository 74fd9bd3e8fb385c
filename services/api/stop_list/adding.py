"""Puts phones on the stop list: those of a request, and those of recipients who opted out at a provider."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from services.api.audit.log import Origin, record_other
from services.api.stop_list import store
from services.api.stop_list.guard import check_key
from services.api.stop_list.keys import StopListKey
from services.api.stop_list.schemas import Source
from services.api.stop_list.store import AddedPhones
from services.api.web.problems import HttpProblem
from shared import logs
from shared.database import DATABASE_OUTAGES, Pool, describe, retry_on_deadlock

LOOK_SECONDS = 5.0
MOST_AT_A_TIME = 500

log = logs.get()


@dataclass(frozen=True, slots=True)
class ReadPhone:
    """A phone for the stop list, and why."""

    phone: str
    reason: str


async def add_phones(
    pool: Pool, key: StopListKey, phones: Sequence[ReadPhone], source: Source, origin: Origin
) -> AddedPhones:
    """Adds phones in one transaction. Raises a problem if the list was written under another key."""
    hashes = key.hashes([one.phone for one in phones])

    async def work() -> AddedPhones:
        async with pool.acquire() as connection, connection.transaction():
            check_key(key, await store.lock(connection))
            made = await store.add(
                connection,
                key.check,
                [one.phone for one in phones],
                hashes,
                [one.reason for one in phones],
                source,
                origin,
            )
            # A file comes in many batches, and is one event.
            if made.added and source != "file":
                await record_other(connection, "stop_list_added", origin, source=source, added=made.added)
            return made

    return await retry_on_deadlock(work)


async def take_opt_outs(pool: Pool, key: StopListKey | None) -> int:
    """Puts the phones of recipients who opted out at a provider on the list, and returns how many were noted.

    Raises a problem without the key of the list: then they wait.
    """
    noted = await store.list_opt_outs(pool, MOST_AT_A_TIME)
    if not noted:
        return 0
    if key is None:
        raise HttpProblem("stop-list-unreadable", "HERALD_STOP_LIST_KEY is not set: recipients who opted out wait.")
    for provider in sorted({one.provider for one in noted}):
        phones = [ReadPhone(one.phone, "opted out") for one in noted if one.provider == provider and one.phone]
        if phones:
            made = await add_phones(pool, key, phones, "provider", Origin(uuid4().hex, f"provider:{provider}"))
            log.info("stop list changed", change="added", suppression_ids=made.ids, client_ids=made.client_ids)
    await store.forget_opt_outs(pool, [one.client_id for one in noted])
    return len(noted)


async def follow_opt_outs(pool: Pool, key: StopListKey | None) -> None:
    """Takes opt-outs every few seconds, until cancelled."""
    while True:
        try:
            taken = await take_opt_outs(pool, key)
        except DATABASE_OUTAGES as error:
            log.debug("opt-outs not taken", detail=describe(error))
            taken = 0
        except HttpProblem as error:
            log.warning("opt-outs not taken", detail=error.detail)
            taken = 0
        if taken < MOST_AT_A_TIME:
            await asyncio.sleep(LOOK_SECONDS)
