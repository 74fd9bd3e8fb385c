"""What is not there or not allowed, as a problem, whatever the route."""

import pytest

from tests.integration.api.fakes import Api
from tests.integration.api.http import assert_problem

MISSING = [
    "/nothing",
    "/clients/",
    "/clients/abc",
    "/clients/-1",
    "/clients/0",
    "/clients/1",
    "/clients/9223372036854775807",
    "/clients/9223372036854775808",
    "/clients/9999999999999999999",
    "/clients/99999999999999999999999999999999",
    "/clients/%D9%A1",
    "/clients/1%00",
    "/mailings/1",
    "/mailings/9223372036854775808",
    "/mailings/1/statistics",
    "/messages/1",
    "/messages/9223372036854775808",
]


async def test_what_is_not_there_is_a_404(api: Api, subtests: pytest.Subtests) -> None:
    for path in MISSING:
        with subtests.test(path=path):
            assert_problem(await api.get(path), 404)


async def test_a_path_outside_of_the_api_is_a_404_without_a_token(api: Api) -> None:
    async with api.client.get("/nothing") as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/clients", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/clients/1", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        ("GET", "/clients/import", {"OPTIONS", "POST"}),
        ("GET", "/mailings/1/pause", {"OPTIONS", "POST"}),
        ("DELETE", "/statistics", {"GET", "HEAD", "OPTIONS"}),
        ("PROPFIND", "/mailings", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("HEAD", "/mailings/1/statistics/stream", {"GET", "OPTIONS"}),
    ],
)
async def test_another_method_is_a_405_that_names_the_allowed(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    refused = await api.call(method, path)
    if method != "HEAD":
        assert_problem(refused, 405)
    assert refused.status == 405
    assert set(refused.headers["Allow"].split(",")) == allowed


WRONG_QUERIES = [
    # path, parameter
    ("/clients?limi=1", "limi"),
    ("/clients?limit=0", "limit"),
    ("/clients?limit=1001", "limit"),
    ("/clients?limit=many", "limit"),
    ("/clients?limit=1.0", "limit"),
    ("/clients?limit=1_0", "limit"),
    ("/clients?limit=%205", "limit"),
    ("/clients?limit=%D9%A1", "limit"),
    ("/clients?limit=" + "9" * 5000, "limit"),
    ("/clients?limit=1&limit=2", "limit"),
    ("/clients?cursor=", "cursor"),
    ("/clients?cursor=nonsense", "cursor"),
    ("/clients?cursor=bWFpbGluZ3M6MQ", "cursor"),
    ("/clients?cursor=%00", "cursor"),
    ("/clients?cursor=%FF", "cursor"),
    ("/clients?operator_code=99", "operator_code"),
    ("/clients?phone=%2B79990000001", "phone"),
    ("/clients?tag=%00", "tag"),
    ("/clients?tag=%ff", "tag"),
    ("/clients?tag=%ED%A0%80", "tag"),
    ("/clients?limit=1&external_id=%C0%80", "external_id"),
    ("/suppressions?phone=%e9", "phone"),
    ("/clients?tag=" + "x" * 65, "tag"),
    ("/clients/1?verbose=1", "verbose"),
    ("/clients/export?limit=1", "limit"),
    ("/mailings?status=done", "status"),
    ("/mailings?cursor=Y2xpZW50czox", "cursor"),
    ("/mailings/1/messages?status=done", "status"),
    ("/mailings/1/messages?cursor=x", "cursor"),
    ("/statistics?x=1", "x"),
    ("/statistics/mailings?cursor=x", "cursor"),
    ("/statistics/mailings?status=running", "status"),
]


async def test_a_wrong_query_parameter_is_a_422(api: Api, subtests: pytest.Subtests) -> None:
    for path, parameter in WRONG_QUERIES:
        with subtests.test(path=path[:60]):
            refused = await api.get(path)
            assert_problem(refused, 422)
            assert refused.body["errors"][0]["loc"] == ["query", parameter]
            assert refused.body["errors"][0]["msg"]


async def test_escapes_that_are_no_text_are_refused_in_paths_and_in_names(api: Api) -> None:
    by_id = await api.put("/clients/by-external-id/%ff", {"phone": "79990000001"})
    named = await api.get("/clients?%ff=1")
    for refused, place in ((by_id, "path"), (named, "query")):
        assert_problem(refused, 422)
        assert refused.body["errors"] == [{"loc": [place], "msg": "has escapes that are not UTF-8"}]
    assert (await api.get("/clients")).body["items"] == []


async def test_a_wrong_parameter_of_an_import_is_a_422(api: Api) -> None:
    assert_problem(await api.upload(b"phone\n", params={"on_conflict": "replace"}), 422)


async def test_many_wrong_values_are_answered_briefly(api: Api) -> None:
    body = {"text": "", "end_at": 1, "filter": {"operator_codes": ["x"] * 1000}}
    refused = await api.post("/mailings", body)
    assert_problem(refused, 422)
    assert len(refused.body["errors"]) == 100
    locs = [tuple(error["loc"]) for error in refused.body["errors"]]
    assert locs[:3] == [("body", "text"), ("body", "end_at"), ("body", "filter", "operator_codes", 0)]
