"""A picture of Prometheus' own graphs of the dashboard's main queries, for docs/operations.md.

    .venv/bin/python -m tests.pictures.prometheus http://127.0.0.1:9090 --minutes 6

writes docs/images/prometheus.png.
"""

import argparse
import asyncio
from urllib.parse import urlencode

from tests.pictures.shots import open_page, shoot

QUERIES = (
    "sum by (status) (rate(herald_messages_total[30s])) > 0",
    "sum by (outcome) (rate(herald_attempts_total[30s])) > 0",
    'max by (queue) (herald_queue_messages{queue!="planner.mailings"}) > 0',
    "max by (state) (herald_messages_unsent)",
    "histogram_quantile(0.9, sum by (le) (rate(herald_fold_lag_seconds_bucket[30s])))",
    'ALERTS{alertstate="firing"}',
)
DRAWN_MS = 4000


async def take(url: str, minutes: int) -> None:
    async with open_page() as page:
        asked = {"tab": "0", "stacked": "0", "range_input": f"{minutes}m"}
        graphs = {f"g{place}.{key}": value for place in range(len(QUERIES)) for key, value in asked.items()}
        queries = {f"g{place}.expr": query for place, query in enumerate(QUERIES)}
        await page.goto(f"{url}/graph?{urlencode(queries | graphs)}")
        await page.wait_for_timeout(DRAWN_MS)
        await shoot(page, "prometheus")


def main() -> None:
    parser = argparse.ArgumentParser(description="Take a picture of Prometheus' graphs of the main queries.")
    parser.add_argument("url", help="where Prometheus is, like http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=int, default=10, help="how far the graphs go back")
    given = parser.parse_args()
    asyncio.run(take(given.url.rstrip("/"), given.minutes))


if __name__ == "__main__":
    main()
