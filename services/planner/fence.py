"""Fences: moments published through the results queue. A folded fence proves that all results before it are folded."""

from services.planner.store.fence import read_clock
from shared import logs, topology
from shared.broker import Outgoing, Publisher, Unpublished
from shared.database import Pool
from shared.messages import Results, encode

log = logs.get()


async def publish_fence(pool: Pool, publisher: Publisher, repeats: logs.RepeatedCauses) -> None:
    """Publishes the database's time to the reporter, behind all results published before. Sums repeated failures."""
    body = Results(fence=await read_clock(pool))
    try:
        await publisher.publish(Outgoing(topology.RESULTS, topology.RESULT_KEY, encode(body)))
    except Unpublished as error:
        if times := repeats.count(str(error)):
            log.warning("fence not published", detail=str(error), times=times)
    else:
        repeats.forget()
