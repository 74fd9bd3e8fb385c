"""The protocol keeps its promises in every order of events; and without any one of its rules it does not."""

import sys
from dataclasses import fields, replace

import pytest

from tests.model.protocol import run
from tests.model.rules import Rules
from tests.model.scenes import SCENES, Scene

# The model runs no code of Herald, so coverage would only slow it.
pytestmark = pytest.mark.no_cover

# The promises hold without it, within all bounds tried: a second net for a staleness that was judged wrongly.
NOT_NEEDED = {"redelivered_is_busy"}

SMALL = {name: scene for name, scene in SCENES.items() if not scene.large}
NEEDS = [(rule, name) for name, scene in SCENES.items() for rule in scene.needs]


def rules_of(scene: Scene, *, without: str | None = None) -> Rules:
    off = {*scene.without, *([without] if without else [])}
    return replace(Rules(), **dict.fromkeys(off, False))


@pytest.mark.parametrize("name", SMALL)
def test_every_promise_holds_in_every_order_of_events(name: str) -> None:
    found = run(SCENES[name].bounds, rules_of(SCENES[name]))
    sys.stdout.write(f"{name}: {found}\n")
    assert not found.broken, found


@pytest.mark.parametrize(("rule", "name"), NEEDS)
def test_a_promise_breaks_without_the_rule(rule: str, name: str) -> None:
    scene = SCENES[name]
    found = run(scene.bounds, rules_of(scene, without=rule))
    sys.stdout.write(f"without {rule}: {found}\n")
    assert found.broken == scene.needs[rule]


def test_every_rule_is_taken_out_once() -> None:
    assert sorted(rule for rule, _ in NEEDS) == sorted({field.name for field in fields(Rules)} - NOT_NEEDED)
