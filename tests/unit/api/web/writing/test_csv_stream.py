"""How many rows of a long answer are read at a time."""

from aiohttp.test_utils import make_mocked_request

from services.api.web.writing.csv_stream import BLOCK, block_of


def test_head_reads_one_row_and_get_a_block() -> None:
    assert block_of(make_mocked_request("HEAD", "/api/v1/clients/export")) == 1
    assert block_of(make_mocked_request("GET", "/api/v1/clients/export")) == BLOCK
