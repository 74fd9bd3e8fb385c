"""Explores the large scenes, and prints how many states each has; `python -m tests.model -k edit` those named so."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.model.protocol import run
from tests.model.rules import Bounds
from tests.model.scenes import ONE_EDIT, SCENES, Scene
from tests.model.test_model import rules_of

PAUSED_ONCE = (True, False, True)

# Scenes of several things at once. Each takes seconds to minutes.
LARGER = {
    "two dispatchers, an edit and a death": Scene(
        Bounds(budget=1, copies=1, terms=ONE_EDIT, edits=("change",), faults=(("crash", 1),)), {}
    ),
    "two dispatchers, an edit, a stop and a release": Scene(
        Bounds(budget=1, terms=ONE_EDIT, edits=("change",), releases=True, faults=(("stop", 1),)), {}
    ),
    "two dispatchers, an edit, a death and beats at any time": Scene(
        Bounds(
            budget=1,
            copies=1,
            terms=ONE_EDIT,
            edits=("change",),
            beats="at any time",
            lease=1,
            edits_kept=2,
            faults=(("crash", 1),),
        ),
        {},
    ),
    "two dispatchers, a pause and retries": Scene(
        Bounds(copies=1, terms=PAUSED_ONCE, edits=("change", "change"), lease=1, edits_kept=2), {}
    ),
    "two dispatchers, a stop and a lost result": Scene(
        Bounds(budget=1, renewals=True, faults=(("result lost", 1), ("stop", 1))), {}
    ),
    "two dispatchers, retries and releases": Scene(
        Bounds(releases=True, table_retries=True, faults=(("released twice", 1),)), {}
    ),
    "two dispatchers, a death and a late claim": Scene(
        Bounds(
            budget=1,
            renewals=True,
            late_statements=True,
            faults=(("crash", 1), ("statement of unknown fate", 1)),
        ),
        {},
    ),
    "two dispatchers, copies, an edit, slow claims and a lost delivery": Scene(
        Bounds(
            budget=1,
            terms=ONE_EDIT,
            edits=("change",),
            delayed=True,
            lease=1,
            edits_kept=2,
            faults=(("delivery lost", 1),),
        ),
        {},
    ),
    "two dispatchers, copies, a pause, slow claims and a lost delivery": Scene(
        Bounds(
            budget=1,
            terms=PAUSED_ONCE,
            edits=("change", "change"),
            delayed=True,
            lease=1,
            edits_kept=2,
            faults=(("delivery lost", 1),),
        ),
        {},
    ),
    "an edit, slow claims and a stop": Scene(
        Bounds(
            dispatchers=1,
            budget=1,
            copies=1,
            terms=ONE_EDIT,
            edits=("change",),
            beats="at any time",
            delayed=True,
            faults=(("stop", 1),),
        ),
        {},
    ),
}

# All of it at once: more than two million states.
EVERYTHING = {
    "two dispatchers, copies, a pause, slow claims, a lost delivery and a stop": Scene(
        Bounds(
            budget=1,
            terms=PAUSED_ONCE,
            edits=("change", "change"),
            delayed=True,
            lease=1,
            edits_kept=2,
            faults=(("stop", 1), ("delivery lost", 1)),
        ),
        {},
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("-k", default="", metavar="WORD", help="only scenes whose name has this word")
    parser.add_argument("--list", action="store_true", help="name the scenes, and explore none")
    parser.add_argument("--everything", action="store_true", help="also all at once: takes gigabytes")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="scenes at once; as many as processors"
    )
    options = parser.parse_args()
    # The largest first, so that none is left to run alone at the end.
    known = {**(EVERYTHING if options.everything else {}), **LARGER, **SCENES}
    scenes = {name: scene for name, scene in known.items() if options.k in name}
    if options.list:
        for name, scene in scenes.items():
            sys.stdout.write(f"{name}: {scene.bounds}\n")
        return 0
    broken = False
    with ProcessPoolExecutor(options.processes) as processes:
        for text, holds in processes.map(_explore, scenes.items()):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
            broken = broken or not holds
    return 1 if broken else 0


def _explore(named: tuple[str, Scene]) -> tuple[str, bool]:
    """Explores a scene. Returns a line about it, and whether every promise holds in it."""
    name, scene = named
    began = time.process_time()
    found = run(scene.bounds, rules_of(scene))
    return f"{name}: {found} ({time.process_time() - began:.0f} s of a processor)", not found.broken


if __name__ == "__main__":
    sys.exit(main())
