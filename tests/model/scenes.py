"""Scenes: bounds that are small enough to be explored whole, each for the rules that matter in it."""

from dataclasses import dataclass

from tests.model.rules import Bounds

OLD_TERMS = "a request begins under old terms after the edit was answered"
TWO_REQUESTS = "a message has two requests at once"
TWO_SUCCESSES = "two successes are read without a crash"
USED_TWICE = "a number is used twice"
DEAD_END = "a state from which no end can be reached"
DEAD_LETTER = "a healthy job is dead-lettered"
NO_BUDGET = "a message is exhausted before its budget is used up"
NOT_SENT = "a success is on record, and the message is not sent"

# Rules that only save time where sweeps repair what is missing: they are tried without the sweeps.
NO_SWEEPS = ("sweep_vanished", "sweep_stale")
ONE_EDIT = (True, True)


@dataclass(frozen=True, slots=True)
class Scene:
    """Bounds, and for each rule that matters in them the promise that is broken without it.

    `large`: explored whole by `make model` only. `without` are rules left out in all of it.
    """

    bounds: Bounds
    needs: dict[str, str]
    large: bool = False
    without: tuple[str, ...] = ()


SCENES = {
    "a planner releases twice": Scene(
        Bounds(budget=1, releases=True, faults=(("released twice", 1),)),
        {"number_by_dispatcher": TWO_REQUESTS, "stale_silence": TWO_REQUESTS},
    ),
    "two claims at the same moment": Scene(
        Bounds(budget=1, releases=True, delayed=True, faults=(("released twice", 1),)), {"row_lock": USED_TWICE}
    ),
    "a job is forged": Scene(Bounds(budget=1, faults=(("job forged", 1),)), {"exact_attempt": TWO_REQUESTS}),
    "a process is cut from the database": Scene(
        Bounds(budget=1, faults=(("cut from the database", 1), ("delivery lost", 1))),
        {
            "stale_covers_request": TWO_REQUESTS,
            "stale_fence": TWO_SUCCESSES,
            "single_consumer": TWO_SUCCESSES,
        },
        large=True,
    ),
    "a process is stopped": Scene(
        Bounds(budget=1, faults=(("stop", 1),)),
        {"lease_look": TWO_REQUESTS, "lease_never_revived": TWO_REQUESTS, "status_upwards": NOT_SENT},
    ),
    "a claim has an unknown fate": Scene(
        Bounds(dispatchers=1, budget=1, faults=(("statement of unknown fate", 1),)), {"name_after_unknown": DEAD_END}
    ),
    "the broker loses a result": Scene(
        Bounds(dispatchers=1, budget=1, renewals=True, faults=(("result lost", 1),)),
        {"name_every_ten_seconds": DEAD_END},
    ),
    "names change": Scene(
        Bounds(budget=1, renewals=True, faults=(("delivery lost", 1),)), {"name_beaten_while_needed": TWO_REQUESTS}
    ),
    "a process dies, and retries": Scene(
        Bounds(dispatchers=1, faults=(("crash", 1),)), {"retry_before_result": DEAD_END}, without=NO_SWEEPS
    ),
    "a process dies": Scene(
        Bounds(dispatchers=1, budget=1, faults=(("crash", 1),)), {"ack_after_confirm": DEAD_END}, without=NO_SWEEPS
    ),
    "the broker loses a job": Scene(
        Bounds(dispatchers=1, budget=1, faults=(("job lost", 1),)), {"sweep_vanished": DEAD_END}
    ),
    "the broker loses a job, and a process dies": Scene(
        Bounds(dispatchers=1, budget=1, faults=(("job lost", 1), ("crash", 1))), {"sweep_stale": DEAD_END}
    ),
    "a result comes twice": Scene(
        Bounds(dispatchers=1, budget=3, copies=1, faults=(("result redelivered", 1),)), {"idempotent_fold": NO_BUDGET}
    ),
    "an edit": Scene(
        Bounds(dispatchers=1, budget=1, copies=1, terms=ONE_EDIT, edits=("change",), beats="at any time"),
        {
            "barrier": OLD_TERMS,
            "look_after_commit": OLD_TERMS,
            "wait_after_mark": OLD_TERMS,
            "fenced_voids": OLD_TERMS,
            "heard_look": OLD_TERMS,
            "heard_since_asked": OLD_TERMS,
        },
    ),
    "an edit, and beats in steps": Scene(
        Bounds(dispatchers=1, budget=1, copies=1, terms=ONE_EDIT, edits=("change",), beats="in steps"),
        {"heard_after_marking": OLD_TERMS},
        large=True,
    ),
    "an edit while a process dies": Scene(
        Bounds(dispatchers=1, budget=1, copies=1, terms=ONE_EDIT, edits=("change",), faults=(("crash", 1),)),
        {"row_before_claims": OLD_TERMS, "uncovered_is_stale": DEAD_END},
        large=True,
    ),
    "an edit while a process is stopped": Scene(
        Bounds(dispatchers=1, budget=1, copies=1, terms=ONE_EDIT, edits=("change",), faults=(("stop", 1),)),
        {"fence_the_silent": DEAD_END},
        large=True,
    ),
    "an edit after a late success": Scene(
        Bounds(budget=1, copies=1, terms=ONE_EDIT, edits=("change",), faults=(("stop", 1),), lease=1, edits_kept=2),
        {"look_at_all_that_flew": OLD_TERMS},
        large=True,
    ),
    "an edit twice": Scene(
        Bounds(dispatchers=1, budget=1, copies=1, terms=ONE_EDIT, edits=("change", "repeat"), concurrent_edits=True),
        {"repeat_passes": OLD_TERMS},
        large=True,
    ),
    "two edits at once": Scene(
        Bounds(
            dispatchers=1,
            budget=1,
            copies=1,
            terms=ONE_EDIT,
            edits=("change", "elsewhere"),
            concurrent_edits=True,
            beats="at any time",
            lease=1,
            edits_kept=2,
        ),
        {"not_seen_yet": OLD_TERMS},
        large=True,
    ),
    "an edit and a late give-back": Scene(
        Bounds(
            dispatchers=1,
            copies=1,
            terms=ONE_EDIT,
            edits=("change",),
            faults=(("statement of unknown fate", 1),),
            lease=1,
            edits_kept=2,
        ),
        {"give_back_one_claim": DEAD_LETTER},
        large=True,
    ),
    "a pause during a release": Scene(
        Bounds(
            dispatchers=1,
            budget=1,
            copies=1,
            releases=True,
            terms=(True, False, True),
            edits=("change", "change"),
            lease=1,
            edits_kept=2,
        ),
        {"mark_guard": DEAD_END},
        large=True,
        without=NO_SWEEPS,
    ),
    "a pause during retries": Scene(
        Bounds(
            dispatchers=1,
            copies=1,
            terms=(True, False, True),
            edits=("change", "change"),
            lease=1,
            edits_kept=2,
        ),
        {"asked_number": DEAD_END},
        large=True,
        without=NO_SWEEPS,
    ),
}
