"""How many rows of a long answer are read at a time, and which cells a spreadsheet must not run."""

import pytest
from aiohttp.test_utils import make_mocked_request

from services.api.web.writing.csv_stream import BLOCK, CsvTable, block_of


def test_head_reads_one_row_and_get_a_block() -> None:
    assert block_of(make_mocked_request("HEAD", "/api/v1/clients/export")) == 1
    assert block_of(make_mocked_request("GET", "/api/v1/clients/export")) == BLOCK


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_a_text_to_excel_and_as_it_is_to_others(cell: str) -> None:
    assert cell in b"".join(CsvTable(["cell"]).rows([{"cell": cell}])).decode()
    assert b"".join(CsvTable(["cell"], "excel").rows([{"cell": cell}])).decode().strip('"').startswith(f"'{cell}")
