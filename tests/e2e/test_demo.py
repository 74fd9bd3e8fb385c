"""herald demo on a machine where nothing has been set up."""

from pathlib import Path

import pytest

from tests.support.herald_command import herald


@pytest.mark.timeout(180)
async def test_the_demo_ends_with_statistics_and_ledger_that_agree(broker_url: str, open_path: Path) -> None:
    # It starts a PostgreSQL of its own, and uses other ports if the usual ones are taken.
    for _ in range(2):
        done = await herald("demo", env={"HERALD_RABBITMQ_URL": broker_url}, folder=open_path)
        assert done.code == 0, f"{done.out}\n{done.err}"
        assert "mailing 1 goes to 800 of them" in done.out
        assert "NO" not in done.out


async def test_the_demo_sends_nothing_to_a_real_provider(open_path: Path) -> None:
    done = await herald("demo", env={"HERALD_PROVIDER_URL": "https://provider.invalid/v1"}, folder=open_path)
    assert (done.code, "HERALD_PROVIDER_URL" in done.err) == (2, True)
