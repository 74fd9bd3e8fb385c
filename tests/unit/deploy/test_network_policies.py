"""The network policies allow what Herald needs, and nothing else."""

from typing import Any

import pytest

from tests.unit.deploy.manifests import (
    COMPONENT,
    NAME,
    Manifest,
    labels_of,
    matches,
    of_kind,
    render,
    workloads,
)

# Allowed connections as (source, target, port).
FLOWS = {
    *((name, "postgres", 5432) for name in ("api", "planner", "dispatcher", "reporter", "migrate")),
    *((name, "rabbitmq", 5672) for name in ("api", "planner", "dispatcher", "reporter", "topology")),
    ("dispatcher", "sandbox", 8090),
}
PORTS = {"postgres": (5432,), "rabbitmq": (5672, 15672), "sandbox": (8090, 9100), "api": (8080, 9100)}
# Allowed connections from other namespaces as (namespace, target, port).
FROM_OUTSIDE = {
    ("ingress-nginx", "api", 8080),
    *(("monitoring", name, 9100) for name in ("api", "planner", "dispatcher", "reporter", "sandbox")),
}


def pods(manifests: list[Manifest]) -> dict[str, dict[str, str]]:
    """Returns the labels of all pods by component or by name."""
    found = [labels_of(each) for each in workloads(manifests)]
    return {labels.get(COMPONENT, labels[NAME]): labels for labels in found}


def allows(policy: Manifest, direction: str, peer: dict[str, Any], port: int) -> bool:
    """Returns whether a policy allows a peer at a port. `peer` maps kinds of selectors to the labels of the peer."""
    key, field = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    for rule in policy["spec"].get(key, []):
        at_port = port in [each["port"] for each in rule["ports"]]
        if at_port and (field not in rule or any(_is(each, peer) for each in rule[field])):
            return True
    return False


def _is(allowed: dict[str, Any], peer: dict[str, Any]) -> bool:
    (kind,) = allowed
    return kind in peer and (kind == "ipBlock" or matches(allowed[kind], peer[kind]))


def passes(manifests: list[Manifest], labels: dict[str, str], direction: str, peer: dict[str, Any], port: int) -> bool:
    """Returns whether one of the policies of the pods with these labels allows a peer at a port."""
    own = [
        policy
        for policy in of_kind(manifests, "NetworkPolicy")
        if direction in policy["spec"]["policyTypes"] and matches(policy["spec"]["podSelector"], labels)
    ]
    assert own, f"{labels} are under no policy for {direction}"
    return any(allows(policy, direction, peer, port) for policy in own)


def test_exactly_the_flows_that_are_needed_pass_within_the_namespace() -> None:
    manifests = render("dev")
    every = pods(manifests)
    open_flows = {
        (source, target, port)
        for source, own in every.items()
        for target, ports in PORTS.items()
        for port in ports
        if passes(manifests, own, "Egress", {"podSelector": every[target]}, port)
        and passes(manifests, every[target], "Ingress", {"podSelector": own}, port)
    }
    assert open_flows == FLOWS


def test_exactly_the_flows_that_are_needed_come_from_other_namespaces() -> None:
    manifests = render("dev")
    open_flows = {
        (namespace, target, port)
        for namespace in ("ingress-nginx", "monitoring", "default")
        for target, labels in pods(manifests).items()
        for port in (5432, 5672, 8080, 8090, 9100, 15672)
        if passes(manifests, labels, "Ingress", {"namespaceSelector": {"kubernetes.io/metadata.name": namespace}}, port)
    }
    assert open_flows == FROM_OUTSIDE


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_every_pod_may_resolve_names(overlay: str) -> None:
    manifests = render(overlay)
    resolver = {"namespaceSelector": {"kubernetes.io/metadata.name": "kube-system"}}
    assert all(passes(manifests, labels, "Egress", resolver, 53) for labels in pods(manifests).values())


def test_in_production_only_the_dispatcher_reaches_the_internet() -> None:
    manifests = render("production")
    outward = {
        (name, port)
        for name, labels in pods(manifests).items()
        for port in (443, 5432, 5671, 5672)
        if passes(manifests, labels, "Egress", {"ipBlock": {}}, port)
    }
    database = {(name, 5432) for name in ("api", "planner", "dispatcher", "reporter", "migrate")}
    broker = {
        (name, port) for name in ("api", "planner", "dispatcher", "reporter", "topology") for port in (5671, 5672)
    }
    assert outward == {("dispatcher", 443)} | database | broker
