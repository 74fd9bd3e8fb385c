"""The sample clients of the demo."""

import re

import pytest

from cli.demo.sample_clients import ADDRESSED, CLIENTS, MAGIC, count_addressed, make_samples, to_csv


@pytest.mark.parametrize("run", [0, 42, 9999])
def test_a_thousand_clients_have_distinct_phones(run: int) -> None:
    phones = {sample.phone for sample in make_samples(run)}
    assert len(phones) == CLIENTS == 1000
    assert all(re.fullmatch(r"70\d{9}", phone) for phone in phones)


def test_every_magic_phone_is_addressed_and_no_other_is_magic() -> None:
    magic = [sample for sample in make_samples(1) if sample.phone[-4:] < "1000"]
    assert sorted(sample.phone[-4:] for sample in magic) == sorted(MAGIC)
    assert all(sample.operator_code in ADDRESSED for sample in magic)


def test_the_filter_excludes_some_clients() -> None:
    assert count_addressed(make_samples(1)) == 800


def test_the_file_has_a_header_and_a_line_for_each() -> None:
    lines = to_csv(make_samples(1), "demo").decode().splitlines()
    assert lines[0] == "phone,operator_code,tag,timezone"
    assert len(lines) == CLIENTS + 1
    assert lines[1].split(",")[1:3] == ["901", "demo"]
