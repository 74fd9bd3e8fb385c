"""Many small mailings that start in the same second, beside one mailing with as many messages."""

import asyncio
from datetime import timedelta

from bench.steady.stage import TAG, FiguresTable, Stage
from cli.stack.output import announce

CREATORS = 20
LATER = timedelta(hours=1)


async def measure(stage: Stage, mailings: int, clients: int) -> FiguresTable:
    """Sends one mailing, then `mailings` of `clients` each, and returns their rates and how soon the books closed."""
    await stage.add_clients(mailings * clients)
    await stage.add_clients(clients, "few", after=mailings * clients)
    plain = await _send(stage, [TAG])
    small = await _send(stage, ["few"] * mailings)
    shares = (("messages/s", plain[0], small[0]), ("first message after (s)", plain[1], small[1]))
    rows = [(name, f"{one:.2f}", f"{many:.2f}", f"{many / one:.2f}" if one else "-") for name, one, many in shares]
    rows.append(("books closed after the last message (s, at most)", f"{plain[2]:.2f}", f"{small[2]:.2f}", ""))
    columns = ("figure", f"1 of {mailings * clients}", f"{mailings} of {clients}", "ratio")
    return FiguresTable("mailings that start in the same second", columns, rows)


async def _send(stage: Stage, tags: list[str]) -> tuple[float, float, float]:
    """Returns messages a second from the start, and seconds to the first message and from the last to the books."""
    announce(f"creating {len(tags)} mailings")
    left, ids = iter(tags), list[int]()

    async def create() -> None:
        for tag in left:
            ids.append(await stage.create_mailing(tag, LATER))

    async with asyncio.TaskGroup() as group:
        for _ in range(CREATORS):
            group.create_task(create())
    announce("sending")
    start = "UPDATE mailings SET start_at = now() + interval '1 s' WHERE id = ANY ($1::bigint[])"
    await stage.connection.execute(start, ids)
    await stage.until_finished(ids)
    row = await stage.connection.fetchrow(
        """
        SELECT extract(epoch FROM min(first) - min(start_at))::float8 AS first,
            greatest(extract(epoch FROM max(finished_at - last)), 0)::float8 AS closed
        FROM mailings JOIN (
            SELECT mailing_id, min(final_at) AS first, max(final_at) AS last FROM messages GROUP BY 1
        ) AS sent ON mailing_id = id
        WHERE id = ANY ($1::bigint[])
        """,
        ids,
    )
    return await stage.rate_of(ids), row["first"] if row else 0.0, row["closed"] if row else 0.0
