"""How a client is named at the command line."""

import pytest

from cli.commands.clients.directory import read_phone, search_params


@pytest.mark.parametrize(
    "text", ["79161234567", "+7 (916) 123-45-67", "8 916 123 45 67", "89161234567", "9161234567", "8.916.123.45.67"]
)
def test_a_phone_is_read_in_every_usual_form(text: str) -> None:
    assert read_phone(text) == "79161234567"


@pytest.mark.parametrize("text", ["", "916", "1", "791612345678", "39161234567", "vip", "+7 916 vip"])
def test_what_is_no_phone_is_none(text: str) -> None:
    assert read_phone(text) is None


@pytest.mark.parametrize(
    ("text", "params"),
    [("8 916 123 45 67", {"phone": "79161234567"}), ("916", {"operator_code": "916"}), ("vip", {"tag": "vip"})],
)
def test_a_search_is_by_phone_operator_or_tag(text: str, params: dict[str, str]) -> None:
    assert search_params(text) == params
