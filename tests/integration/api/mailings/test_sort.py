"""The orders of the list of mailings."""

import asyncpg
import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.rows import Rows


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-id", [3, 2, 1]),
        ("id", [1, 2, 3]),
        ("start_at", [2, 1, 3]),
        ("-start_at", [3, 1, 2]),
        ("end_at", [1, 3, 2]),
        ("-end_at", [2, 3, 1]),
    ],
)
async def test_each_order_is_kept_over_pages(
    api: Api, rows: Rows, pool: asyncpg.Pool, sort: str, order: list[int]
) -> None:
    ids = [await rows.mailing() for _ in range(3)]
    for mailing_id, start, end in zip(ids, (2, 1, 2), (3, 9, 5), strict=True):
        await pool.execute(
            "UPDATE mailings SET start_at = '2035-01-01'::timestamptz + $2 * interval '1 h',"
            " end_at = '2035-01-01'::timestamptz + $3 * interval '1 h' WHERE id = $1",
            mailing_id,
            start,
            end,
        )
    found, cursor = list[int](), ""
    for _ in ids:
        page = (await api.get(f"/mailings?limit=1&sort={sort}{cursor}")).body
        found += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert found == [ids[place - 1] for place in order]
    assert page["next"] is None


async def test_an_unknown_order_is_refused(api: Api) -> None:
    assert (await api.get("/mailings?sort=name")).status == 422
