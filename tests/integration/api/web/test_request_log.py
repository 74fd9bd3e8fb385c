"""The id of a request, and its line in the log."""

import re

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.integration.api.fakes import ADMIN_TOKEN, Api
from tests.integration.api.rows import Rows


@pytest.mark.parametrize("sent", ["abc", "A-b_c.9", "x" * 64])
async def test_a_request_id_comes_back(api: Api, sent: str) -> None:
    for path in ("/clients", "/nothing", "/clients/export"):
        assert (await api.get(path, headers={"X-Request-ID": sent})).headers["X-Request-ID"] == sent


async def test_a_request_id_that_is_not_fit_is_replaced(api: Api, subtests: pytest.Subtests) -> None:
    for sent in ("", "x" * 65, "a b", "ключ", "a/b", "{}"):
        with subtests.test(sent=sent):
            made = (await api.get("/clients", headers={"X-Request-ID": sent})).headers["X-Request-ID"]
            assert re.fullmatch(r"[0-9a-f]{32}", made)


async def test_each_request_is_one_log_line_without_secrets(api: Api, rows: Rows) -> None:
    mailing = await rows.mailing("running")
    with capture_logs(processors=[merge_contextvars]) as lines:
        await api.post("/clients", {"phone": "79990000001", "tag": "secret-tag"}, headers={"X-Request-ID": "r1"})
        await api.post("/clients", {"phone": "79990000001"})
        await api.patch(f"/mailings/{mailing}", {"text": "secret-text"})
        await api.get("/clients?phone=79990000001")
        await api.get("/nothing")
    answered = [line for line in lines if line["event"] == "request answered"]
    assert [(line["method"], line["path"], line["status"]) for line in answered] == [
        ("POST", "/api/v1/clients", 201),
        ("POST", "/api/v1/clients", 409),
        ("PATCH", "/api/v1/mailings/{mailing_id}", 200),
        ("GET", "/api/v1/clients", 200),
        ("GET", "unmatched", 404),
    ]
    assert answered[0]["request_id"] == "r1"
    assert answered[0]["client_id"] > 0
    assert answered[0]["duration_ms"] > 0
    assert answered[2]["mailing_id"] == mailing
    text = repr(lines)
    for secret in ("79990000001", "secret-tag", "secret-text", ADMIN_TOKEN):
        assert secret not in text
