"""Deletes a mailing: it is hidden, and cancelled unless it is over. The planner then settles its messages."""

from services.api.audit.log import Origin, record
from services.api.mailings import store
from services.api.mailings.decisions import allowed
from services.api.mailings.rules import judge_delete
from services.api.web.versions import Precondition
from shared.database import Pool, retry_on_deadlock


async def delete_mailing(pool: Pool, mailing_id: int, origin: Origin, precondition: Precondition) -> bool:
    """Deletes a mailing, and returns whether it was there. Raises problems: 409 while it closes, and 412."""

    async def work() -> bool:
        async with pool.acquire() as connection, connection.transaction():
            if not await store.lock(connection, mailing_id):
                return False
            locked = await store.read_locked(connection, mailing_id)
            precondition.check(locked.updated_at)
            change = allowed(judge_delete(locked))
            if change.status is not None:
                await store.set_status(connection, mailing_id, change.status)
            await store.delete(connection, mailing_id)
            await record(connection, mailing_id, "deleted", origin)
            return True

    return await retry_on_deadlock(work)
