"""Which processes a stack runs."""

from cli.stack.plan import Connections, Part, Plan, make_plan
from cli.stack.ports import name_processes

PORTS = {"api": 8080, "sandbox": 8090} | {
    f"ops {name}": port for port, name in enumerate(name_processes(3), start=9101)
}
WITH_SANDBOX = Connections("postgresql://db", "amqp://mq", "token", "secret", "jwt")
WITHOUT = Connections("postgresql://db", "amqp://mq", "token")


def part(plan: Plan, name: str) -> Part:
    return next(part for part in plan.parts if part.name == name)


def test_every_process_starts_once_the_sandbox_first() -> None:
    plan = make_plan({}, PORTS, WITH_SANDBOX, 1)
    assert [part.command for part in plan.parts] == ["sandbox", "api", "planner", "dispatcher", "reporter"]


def test_a_given_provider_needs_no_sandbox() -> None:
    env = {"HERALD_PROVIDER_URL": "https://provider/v1", "HERALD_PROVIDER_TOKEN": "theirs"}
    plan = make_plan(env, PORTS, WITHOUT, 1)
    assert plan.sandbox_url is None
    assert part(plan, "dispatcher").env["HERALD_PROVIDER_URL"] == "https://provider/v1"
    assert part(plan, "dispatcher").env["HERALD_PROVIDER_TOKEN"] == "theirs"


def test_the_dispatcher_sends_to_the_sandbox_with_its_token() -> None:
    env = part(make_plan({}, PORTS, WITH_SANDBOX, 1), "dispatcher").env
    assert env["HERALD_PROVIDER_URL"] == "http://127.0.0.1:8090/v1"
    assert env["HERALD_PROVIDER_TOKEN"] == "jwt"


def test_each_dispatcher_has_an_ops_port() -> None:
    plan = make_plan({}, PORTS, WITH_SANDBOX, 3)
    names = [part.name for part in plan.parts if part.command == "dispatcher"]
    assert names == ["dispatcher", "dispatcher-2", "dispatcher-3"]
    assert part(plan, "dispatcher").env["HERALD_OPS_PORT"] == "9103"
    assert part(plan, "dispatcher-3").env["HERALD_OPS_PORT"] == "9106"
    assert part(plan, "dispatcher-3").probe == "http://127.0.0.1:9106/readyz"
    assert part(plan, "dispatcher-3").ops == "127.0.0.1:9106"


def test_a_process_whose_ops_port_is_off_is_not_asked() -> None:
    ports = PORTS | {"ops planner": 0}
    planner = part(make_plan({}, ports, WITH_SANDBOX, 1), "planner")
    assert (planner.env["HERALD_OPS_PORT"], planner.probe, planner.ops) == ("0", None, None)


def test_readiness_is_asked_of_each_process_itself() -> None:
    plan = make_plan({}, PORTS, WITH_SANDBOX, 1)
    assert part(plan, "planner").probe == "http://127.0.0.1:9102/readyz"
    assert part(plan, "sandbox").probe == "http://127.0.0.1:8090/faults"


def test_a_listener_on_all_addresses_is_reached_through_the_loopback() -> None:
    plan = make_plan({"HERALD_API_HOST": "0.0.0.0", "HERALD_OPS_HOST": "::"}, PORTS, WITH_SANDBOX, 1)  # noqa: S104
    assert plan.api_url == "http://127.0.0.1:8080"
    assert part(plan, "api").probe == "http://[::1]:9101/readyz"


def test_secrets_do_not_show_in_a_part() -> None:
    assert "token" not in repr(part(make_plan({}, PORTS, WITH_SANDBOX, 1), "api"))
