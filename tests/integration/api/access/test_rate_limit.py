"""How much one caller may ask for."""

from ipaddress import ip_network

from structlog.testing import capture_logs

from services.api.access.authenticate import Authenticator
from services.api.access.rate_limit import RateLimits
from services.api.access.token_bucket import WRONG_TOKENS, RatePolicy, TokenBuckets
from tests.conftest import MakeStack
from tests.integration.api.fakes import Answered, Api, MakeApi
from tests.integration.api.rows import Rows

WRONG = {"Authorization": "Bearer wrong"}


def from_address(*forwarded: str) -> dict[str, str]:
    return {"X-Forwarded-For": ", ".join(forwarded)}


async def guess(api: Api, **headers: str) -> int:
    return (await api.get("/clients", headers={**WRONG, **headers})).status


async def test_wrong_tokens_are_limited_by_address_and_the_right_one_still_opens(api: Api) -> None:
    assert [await guess(api) for _ in range(WRONG_TOKENS.burst)] == [401] * WRONG_TOKENS.burst
    refused = await api.get("/clients", headers=WRONG)
    assert (refused.status, refused.headers["Content-Type"]) == (429, "application/problem+json")
    assert 1 <= int(refused.headers["Retry-After"]) <= 3
    assert (await api.get("/clients")).status == 200
    # Who sends none guesses nothing.
    assert (await api.get("/clients", headers={"Authorization": ""})).status == 401


async def test_each_address_behind_a_trusted_proxy_counts_for_itself(make_api: MakeApi) -> None:
    one_guess = TokenBuckets(RatePolicy(rate=0.01, burst=1))
    api = await make_api(rate_limits=RateLimits(wrong_tokens=one_guess, trusted_proxies=(ip_network("127.0.0.0/8"),)))
    assert [await guess(api, **from_address("198.51.100.1")) for _ in range(2)] == [401, 429]
    assert [await guess(api, **from_address("198.51.100.2")) for _ in range(2)] == [401, 429]
    # What a caller puts in front of his own address does not help him.
    assert await guess(api, **from_address("1.2.3.4", "198.51.100.2")) == 429
    # A subscriber has all addresses of a /64.
    assert await guess(api, **from_address("2001:db8::1")) == 401
    assert await guess(api, **from_address("2001:db8::2")) == 429


async def test_nobody_is_believed_who_is_not_a_configured_proxy(make_api: MakeApi) -> None:
    api = await make_api(rate_limits=RateLimits(wrong_tokens=TokenBuckets(RatePolicy(rate=0.01, burst=1))))
    assert [await guess(api, **from_address(f"198.51.100.{number}")) for number in range(3)] == [401, 429, 429]


async def test_what_proxies_say_of_host_and_scheme_reaches_no_answer(api: Api) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Host": "evil.example"}
    made = await api.post("/clients", {"phone": "79990000001"}, headers=headers)
    await api.post("/clients", {"phone": "79990000002"})
    page = await api.get("/clients?limit=1", headers=headers)
    assert made.headers["Location"].startswith("/api/v1/clients/")
    assert page.headers["Link"].startswith("</api/v1/clients?")
    assert "evil" not in repr((made, page))


async def test_refused_tokens_are_logged_by_address_and_never_by_value(api: Api) -> None:
    with capture_logs() as lines:
        await guess(api)
    [line] = [line for line in lines if line["event"] == "token refused"]
    assert line["address"] == "127.0.0.1"
    assert "wrong" not in repr(lines)


async def test_a_token_has_a_rate_and_headers_show_what_is_left(make_api: MakeApi, rows: Rows) -> None:
    await rows.token("other", "viewer")
    api = await make_api(rate_limits=RateLimits(TokenBuckets(RatePolicy(rate=0.5, burst=3))))
    answers = [await api.get("/statistics") for _ in range(4)]
    assert [answered.status for answered in answers] == [200, 200, 200, 429]
    assert [limits_of(answered) for answered in answers] == [(3, 2, 2), (3, 1, 4), (3, 0, 6), (3, 0, 6)]
    refused = answers[-1]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) == 2
    assert "RateLimit-Limit" not in (await api.get("/statistics", headers={"Authorization": ""})).headers
    assert (await api.get("/statistics", headers={"Authorization": "Bearer other"})).status == 200


def limits_of(answered: Answered) -> tuple[int, ...]:
    return tuple(int(answered.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


async def test_every_request_counts_whatever_becomes_of_it(make_api: MakeApi) -> None:
    api = await make_api(rate_limits=RateLimits(TokenBuckets(RatePolicy(rate=0.01, burst=4))))
    assert (await api.get("/nothing")).status == 404
    assert (await api.get("/clients/export")).headers["RateLimit-Remaining"] == "2"
    assert (await api.call("OPTIONS", "/clients")).status == 204
    assert (await api.post("/clients", {})).status == 422
    assert (await api.get("/clients")).status == 429


async def test_without_a_rate_there_are_no_headers_about_it(api: Api) -> None:
    assert not [name for name in (await api.get("/clients")).headers if name.startswith("RateLimit")]


async def test_switched_off_authentication_has_one_bucket(make_api: MakeApi) -> None:
    api = await make_api(
        authenticator=Authenticator(required=False, admin_token=None),
        rate_limits=RateLimits(TokenBuckets(RatePolicy(rate=0.01, burst=1))),
    )
    statuses = []
    for _ in range(2):
        async with api.client.get("/api/v1/clients") as response:
            statuses.append(response.status)
    assert statuses == [200, 429]


async def test_a_process_reads_its_limits_from_the_environment(make_stack: MakeStack) -> None:
    env = {"HERALD_API_RATE": "0.1", "HERALD_TRUSTED_PROXIES": "127.0.0.1"}
    stack = await make_stack("api", env=env)
    for status in (200, 429):
        async with stack.api.get("/api/v1/clients") as response:
            assert response.status == status
    for number in range(25):
        headers = {**WRONG, **from_address(f"198.51.100.{number}")}
        async with stack.api.get("/api/v1/clients", headers=headers) as response:
            assert response.status == 401
