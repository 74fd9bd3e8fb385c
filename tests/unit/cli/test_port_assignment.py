"""Which ports a stack gets, and what happens if one is taken."""

import pytest

from cli.failure import Failure
from cli.stack.port_assignment import assign_ports, read_ports


def settle(env: dict[str, str], taken: set[int], *, workers: int = 1, flexible: bool = False) -> dict[str, int]:
    ports = read_ports(env, workers, sandbox=True)
    return assign_ports(ports, lambda port, _: port not in taken, lambda: 20_000, lambda _: None, flexible=flexible)


def test_the_documented_ports_are_the_default() -> None:
    assert settle({}, set()) == {
        "api": 8080,
        "sandbox": 8090,
        "ops api": 9101,
        "ops planner": 9102,
        "ops dispatcher": 9103,
        "ops reporter": 9104,
    }


def test_the_ops_port_is_the_first_of_one_for_each_process() -> None:
    assigned = settle({"HERALD_OPS_PORT": "9500"}, set(), workers=2)
    names = ("api", "planner", "dispatcher", "reporter", "dispatcher-2")
    assert [assigned[f"ops {name}"] for name in names] == [9500, 9501, 9502, 9503, 9504]


def test_ops_ports_that_would_be_too_high_are_a_usage_error() -> None:
    assert settle({"HERALD_OPS_PORT": "65531"}, set(), workers=2)["ops dispatcher-2"] == 65_535
    with pytest.raises(Failure, match="HERALD_OPS_PORT: 65532 is too high for 5 ports") as failed:
        settle({"HERALD_OPS_PORT": "65532"}, set(), workers=2)
    assert failed.value.code == 2


def test_ops_ports_that_are_switched_off_stay_off() -> None:
    assert settle({"HERALD_OPS_PORT": "0"}, set())["ops planner"] == 0


def test_an_api_port_of_zero_takes_a_free_one() -> None:
    assert settle({"HERALD_API_PORT": "0"}, set())["api"] == 20_000


@pytest.mark.parametrize(
    ("taken", "variable"),
    [(8080, "HERALD_API_PORT"), (8090, "HERALD_SANDBOX_PORT"), (9103, "HERALD_OPS_PORT")],
)
def test_a_taken_port_is_named_with_its_variable(taken: int, variable: str) -> None:
    with pytest.raises(Failure, match=rf"port {taken} is taken.*{variable}"):
        settle({}, {taken})


def test_a_taken_port_is_replaced_where_that_is_allowed() -> None:
    assert settle({}, {8080}, flexible=True)["api"] == 20_000


def test_a_taken_port_that_the_user_chose_is_never_replaced() -> None:
    with pytest.raises(Failure, match="HERALD_API_PORT"):
        settle({"HERALD_API_PORT": "8081"}, {8081}, flexible=True)


@pytest.mark.parametrize("text", ["x", "-1", "65536", "", "8080.0", "٣"])
def test_an_invalid_port_is_a_usage_error(text: str) -> None:
    with pytest.raises(Failure, match="HERALD_API_PORT") as failed:
        read_ports({"HERALD_API_PORT": text}, 1, sandbox=False)
    assert failed.value.code == 2


def test_without_a_sandbox_its_port_does_not_matter() -> None:
    assert "sandbox" not in [port.use for port in read_ports({}, 1, sandbox=False)]
