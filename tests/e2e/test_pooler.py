"""The whole stack behind pgbouncer in session mode, as it is installed."""

from pathlib import Path

import asyncpg
import pytest

from tests.conftest import MakeStack
from tests.support.consistency import check_consistency
from tests.support.herald_command import herald
from tests.support.operator import Operator
from tests.support.services.pgbouncer import run_pgbouncer

CLIENTS = 300
# All processes together have up to 27 connections.
SESSIONS = "default_pool_size = 40"

pytestmark = pytest.mark.timeout(150)


async def test_processes_and_commands_work_behind_a_pooler_in_session_mode(
    make_stack: MakeStack, pool: asyncpg.Pool, database_url: str, tmp_path: Path, free_port: int
) -> None:
    async with run_pgbouncer(tmp_path, database_url, free_port, "session", SESSIONS) as url:
        stack = await make_stack(env={"HERALD_DATABASE_URL": url, "HERALD_PROVIDER_RATE": "100"})
        operator = Operator(stack)
        await operator.import_numbered(CLIENTS)
        mailing_id = await operator.create_mailing()
        # Dispatchers hear of an edit by LISTEN.
        await operator.patch(f"/mailings/{mailing_id}", {"text": "the other text"})
        assert await operator.until_status(mailing_id, "finished") == {"sent": CLIENTS}
        await check_consistency(pool, mailing_id)
        for words in ("migrate", "token list", f"trace --mailing {mailing_id}", "report"):
            result = await herald(*words.split(), env={"HERALD_DATABASE_URL": url}, folder=tmp_path)
            assert result.code == 0, (words, result)
