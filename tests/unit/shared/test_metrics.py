import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from shared.metrics import Health, new_registry, serve_ops
from shared.settings import SettingsError


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def test_a_process_is_ready_when_all_its_parts_are_there(http: aiohttp.ClientSession) -> None:
    health, port = Health(), free_port()
    health.expect("database", "broker")
    async with serve_ops("127.0.0.1", port, health, new_registry()):
        url = f"http://127.0.0.1:{port}"
        for up, status in (((), 503), (("database",), 503), (("database", "broker"), 200)):
            for part in up:
                health.set(part, True)
            async with http.get(f"{url}/readyz") as ready, http.get(f"{url}/livez") as live:
                assert (ready.status, live.status) == (status, 200)
                assert (await ready.json())["parts"] == {"database": "database" in up, "broker": "broker" in up}


async def test_a_part_may_be_left_out_of_the_judgement(http: aiohttp.ClientSession) -> None:
    health, port = Health(), free_port()
    health.expect("database", "api.publish")
    health.set("database", True)
    async with serve_ops("127.0.0.1", port, health, new_registry()):
        url = f"http://127.0.0.1:{port}/readyz"
        for query, status in (("", 503), ("?exclude=api.publish", 200), ("?exclude=database", 503)):
            async with http.get(url + query) as ready:
                assert ready.status == status
                assert (await ready.json())["parts"] == {"database": True, "api.publish": False}


async def test_metrics_are_served_in_the_text_format(http: aiohttp.ClientSession) -> None:
    port = free_port()
    async with (
        serve_ops("127.0.0.1", port, Health(), new_registry()),
        http.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        assert answer.content_type == "text/plain"
        assert "python_info" in await answer.text()


async def test_expecting_a_part_does_not_forget_that_it_is_there() -> None:
    health = Health()
    health.set("database", True)
    health.expect("database")
    assert health.ready


async def test_a_taken_port_names_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^HERALD_OPS_PORT: 127.0.0.1:{port} "):
            async with serve_ops("127.0.0.1", port, Health(), new_registry()):
                pass


async def test_port_0_serves_nothing() -> None:
    async with serve_ops("nowhere.invalid", 0, Health(), new_registry()):
        pass
