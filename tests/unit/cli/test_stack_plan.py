"""Which processes a stack runs, with which settings."""

from pathlib import Path

from cli.stack.checkout import Checkout
from cli.stack.plan import Endpoints, ProcessSpec, StackPlan, plan_stack
from cli.stack.port_assignment import name_processes

PORTS = {"api": 8080, "sandbox": 8090} | {
    f"ops {name}": port for port, name in enumerate(name_processes(3), start=9101)
}
WITH_SANDBOX = Endpoints("postgresql://db", "amqp://mq", "token", "secret", "jwt")
WITHOUT = Endpoints("postgresql://db", "amqp://mq", "token")


def spec(plan: StackPlan, name: str) -> ProcessSpec:
    return next(spec for spec in plan.processes if spec.name == name)


def test_every_process_starts_once_the_sandbox_first() -> None:
    plan = plan_stack({}, PORTS, WITH_SANDBOX, 1)
    assert [spec.command for spec in plan.processes] == ["sandbox", "api", "planner", "dispatcher", "reporter"]


def test_a_given_provider_needs_no_sandbox() -> None:
    env = {"HERALD_PROVIDER_URL": "https://provider/v1", "HERALD_PROVIDER_TOKEN": "theirs"}
    plan = plan_stack(env, PORTS, WITHOUT, 1)
    assert plan.sandbox_url is None
    assert spec(plan, "dispatcher").env["HERALD_PROVIDER_URL"] == "https://provider/v1"
    assert spec(plan, "dispatcher").env["HERALD_PROVIDER_TOKEN"] == "theirs"


def test_the_dispatcher_sends_to_the_sandbox_with_its_token() -> None:
    env = spec(plan_stack({}, PORTS, WITH_SANDBOX, 1), "dispatcher").env
    assert env["HERALD_PROVIDER_URL"] == "http://127.0.0.1:8090/v1"
    assert env["HERALD_PROVIDER_TOKEN"] == "jwt"


def test_each_dispatcher_has_an_ops_port() -> None:
    plan = plan_stack({}, PORTS, WITH_SANDBOX, 3)
    names = [spec.name for spec in plan.processes if spec.command == "dispatcher"]
    assert names == ["dispatcher", "dispatcher-2", "dispatcher-3"]
    assert spec(plan, "dispatcher").env["HERALD_OPS_PORT"] == "9103"
    assert spec(plan, "dispatcher-3").env["HERALD_OPS_PORT"] == "9106"
    assert spec(plan, "dispatcher-3").probe == "http://127.0.0.1:9106/readyz"
    assert spec(plan, "dispatcher-3").ops == "127.0.0.1:9106"


def test_a_process_whose_ops_port_is_off_is_not_asked() -> None:
    ports = PORTS | {"ops planner": 0}
    planner = spec(plan_stack({}, ports, WITH_SANDBOX, 1), "planner")
    assert (planner.env["HERALD_OPS_PORT"], planner.probe, planner.ops) == ("0", None, None)


def test_readiness_is_asked_of_each_process_itself() -> None:
    plan = plan_stack({}, PORTS, WITH_SANDBOX, 1)
    assert spec(plan, "planner").probe == "http://127.0.0.1:9102/readyz"
    assert spec(plan, "sandbox").probe == "http://127.0.0.1:8090/faults"


def test_a_listener_on_all_addresses_is_reached_through_the_loopback() -> None:
    plan = plan_stack({"HERALD_API_HOST": "0.0.0.0", "HERALD_OPS_HOST": "::"}, PORTS, WITH_SANDBOX, 1)  # noqa: S104
    assert plan.api_url == "http://127.0.0.1:8080"
    assert spec(plan, "api").probe == "http://[::1]:9101/readyz"


def test_secrets_do_not_show_in_a_part() -> None:
    assert "token" not in repr(spec(plan_stack({}, PORTS, WITH_SANDBOX, 1), "api"))


def test_each_process_has_a_log_file_of_its_own_and_never_one_for_all() -> None:
    given = {"HERALD_LOG_FILE": "/for/all.log"}
    plan = plan_stack(given, PORTS, WITH_SANDBOX, 2, Path("/logs"))
    files = [spec.env["HERALD_LOG_FILE"] for spec in plan.processes]
    assert len(set(files)) == len(files)
    assert spec(plan, "dispatcher-2").env["HERALD_LOG_FILE"] == "/logs/dispatcher-2.log"
    assert all("HERALD_LOG_FILE" not in spec.env for spec in plan_stack(given, PORTS, WITH_SANDBOX, 1).processes)


def test_another_checkout_runs_with_its_own_code_beside_the_sandbox_of_this_one() -> None:
    plan = plan_stack({}, PORTS, WITH_SANDBOX, 1, checkout=Checkout(Path("/base")))
    assert [one.command for one in plan.processes if one.checkout is None] == ["sandbox"]
    planner = spec(plan, "planner")
    assert planner.env["PYTHONPATH"] == "/base"
    assert planner.checkout is not None
    # Without -P Python would find the code of the folder that it is started in.
    command = [str(part) for part in planner.checkout.command("planner")]
    assert command == ["/base/.venv/bin/python", "-P", "-m", "cli.main", "planner"]
