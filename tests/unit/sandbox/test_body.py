"""A send is checked by the published contract."""

import pytest

from services.sandbox.body import HIGHEST, LOWEST, RefusedSend, SendRequest, read_id, read_send


@pytest.mark.parametrize(
    ("segment", "number"),
    [
        ("0", 0),
        ("17", 17),
        ("-3", -3),
        (str(HIGHEST), HIGHEST),
        (str(LOWEST), LOWEST),
        (str(HIGHEST + 1), None),
        (str(LOWEST - 1), None),
        ("9" * 5000, None),
        ("", None),
        ("017", None),
        ("+17", None),
        ("-0", None),
        ("1_7", None),
        ("17 ", None),
        ("17\n", None),
        ("1.0", None),
        ("\u0661\u0667", None),
        ("seventeen", None),
    ],
)
def test_a_path_id_is_an_int64_written_plainly(segment: str, number: int | None) -> None:
    assert read_id(segment) == number


def test_a_well_formed_send_is_read() -> None:
    body = '{"id": 17, "phone": 79991234567, "text": "Привет"}'.encode()
    assert read_send(17, body) == SendRequest(17, 79991234567, "Привет")


def test_fields_the_contract_does_not_name_are_ignored() -> None:
    assert read_send(17, b'{"id": 17, "phone": 79991234567, "text": "", "tag": 1}').text == ""


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (b"", "the body must be JSON"),
        (b"{", "the body must be JSON"),
        (b"\xff", "the body must be JSON"),
        (b'{"id": 17, "phone": 79991234567, "text": "\\ud800"}', "the body must be JSON"),
        (b"[]", "the body must be a JSON object"),
        (b"null", "the body must be a JSON object"),
        (b"{}", "id is required"),
        (b'{"id": 17, "text": "a"}', "phone is required"),
        (b'{"id": 17, "phone": 79991234567}', "text is required"),
        (b'{"id": null, "phone": 79991234567, "text": "a"}', "id must"),
        (b'{"id": "17", "phone": 79991234567, "text": "a"}', "id must"),
        (b'{"id": true, "phone": 79991234567, "text": "a"}', "id must"),
        (b'{"id": 17.0, "phone": 79991234567, "text": "a"}', "id must"),
        (b'{"id": 9223372036854775808, "phone": 79991234567, "text": "a"}', "id must"),
        (b'{"id": 99999999999999999999, "phone": 79991234567, "text": "a"}', "id must"),
        (b'{"id": 17, "phone": "79991234567", "text": "a"}', "phone must"),
        (b'{"id": 17, "phone": false, "text": "a"}', "phone must"),
        (b'{"id": 17, "phone": 69999999999, "text": "a"}', "phone must"),
        (b'{"id": 17, "phone": 80000000000, "text": "a"}', "phone must"),
        (b'{"id": 17, "phone": 7999123456, "text": "a"}', "phone must"),
        (b'{"id": 17, "phone": 79991234567, "text": 5}', "text must"),
        (b'{"id": 17, "phone": 79991234567, "text": null}', "text must"),
        (b'{"id": 18, "phone": 79991234567, "text": "a"}', "the id in the path"),
    ],
)
def test_a_malformed_send_is_refused_with_the_reason(body: bytes, start: str) -> None:
    with pytest.raises(RefusedSend, match=f"^{start}") as refusal:
        read_send(17, body)
    assert refusal.value.status == 400


def test_a_send_without_a_readable_path_id_is_refused() -> None:
    with pytest.raises(RefusedSend, match=r"^the id in the path"):
        read_send(None, b'{"id": 17, "phone": 79991234567, "text": "a"}')
