"""Continuous integration runs what `make test` is, pins what it uses, and may do no more than it needs."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.deploy.manifests import ROOT

GITLAB = ROOT / ".gitlab-ci.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
GITLAB_KEYWORDS = frozenset({"default", "stages", "variables", "workflow", "include"})
# A full commit with the version that it was, since a tag can be moved to other code.
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

# Which files of the repository each ecosystem of Dependabot keeps up to date.
MANIFESTS = {
    "pip": ("pyproject.toml", "requirements-*.in"),
    "npm": ("package.json",),
    "docker": ("Dockerfile",),
    "docker-compose": ("docker-compose.yml",),
}

Job = dict[str, Any]
every_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


def load(path: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text())
    return loaded


def gitlab_jobs() -> dict[str, Job]:
    loaded = load(GITLAB)
    templates = {name for name in loaded if name.startswith(".")}
    return {
        name: with_templates(job, loaded) for name, job in loaded.items() if name not in GITLAB_KEYWORDS | templates
    }


def with_templates(job: Job, loaded: dict[Any, Any]) -> Job:
    """Adds the keys of what a job extends; no template has a template of its own here."""
    names = job.get("extends", [])
    templates = [loaded[name] for name in ([names] if isinstance(names, str) else names)]
    return {key: value for part in (*templates, job) for key, value in part.items()}


def github_jobs() -> dict[str, Job]:
    return {name: job for workflow in WORKFLOWS for name, job in load(workflow)["jobs"].items()}


def commands_of(job: Job) -> str:
    if "steps" in job:
        return "\n".join(str(step.get("run", "")) for step in job["steps"])
    return "\n".join(job["script"])


def triggers_of(workflow: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    triggers: dict[str, Any] = load(workflow)[True]
    return triggers


@pytest.mark.parametrize("jobs", [gitlab_jobs(), github_jobs()], ids=["gitlab", "github"])
def test_the_jobs_test_build_the_image_and_look_at_the_compose_file(jobs: dict[str, Job]) -> None:
    tests = [job for name, job in jobs.items() if name.startswith("test")]
    assert tests
    assert all(".ci/run" in commands_of(job) for job in tests)
    assert "docker build" in commands_of(jobs["image"])
    assert "docker compose config --quiet" in commands_of(jobs["image"])


def test_what_they_run_is_make_test_and_no_test_may_be_skipped() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^exec make test\b", script, re.MULTILINE)
    assert re.search(r"^export .*HERALD_TEST_REQUIRE_ALL=1", script, re.MULTILINE)


@pytest.mark.parametrize("jobs", [gitlab_jobs(), github_jobs()], ids=["gitlab", "github"])
def test_the_chaos_suite_has_a_job_in_which_no_row_may_be_skipped(jobs: dict[str, Job]) -> None:
    job = jobs["chaos"]
    assert "make chaos" in commands_of(job)
    assert "HERALD_TEST_REQUIRE_ALL" in str(job)


def test_the_chaos_suite_runs_every_night_and_not_at_a_push() -> None:
    (workflow,) = [path for path in WORKFLOWS if "chaos" in load(path)["jobs"]]
    assert set(triggers_of(workflow)) == {"schedule", "workflow_dispatch"}
    # A minute and an hour: once a day.
    assert re.fullmatch(r"\d+ \d+ \* \* \*", triggers_of(workflow)["schedule"][0]["cron"])


def test_a_scheduled_pipeline_runs_the_chaos_suite_and_nothing_else() -> None:
    scheduled = '$CI_PIPELINE_SOURCE == "schedule"'
    assert {"if": scheduled} in load(GITLAB)["workflow"]["rules"]
    for name, job in gitlab_jobs().items():
        first = job["rules"][0]
        assert first["if"] == scheduled
        assert first.get("when") == (None if name == "chaos" else "never")
        assert (len(job["rules"]) == 1) is (name == "chaos")


def test_every_job_ends_in_time() -> None:
    assert all("timeout" in job for job in gitlab_jobs().values())
    assert all("timeout-minutes" in job for job in github_jobs().values())


def test_every_stage_of_a_gitlab_job_exists() -> None:
    assert {job["stage"] for job in gitlab_jobs().values()} == set(load(GITLAB)["stages"])


@every_workflow
def test_github_may_read_and_nothing_else(workflow: Path) -> None:
    loaded = load(workflow)
    assert loaded["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in loaded["jobs"].values())


@every_workflow
def test_no_token_stays_in_the_checkout(workflow: Path) -> None:
    steps = [step for job in load(workflow)["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@every_workflow
def test_runs_of_a_workflow_do_not_pile_up(workflow: Path) -> None:
    concurrency = load(workflow)["concurrency"]
    assert concurrency["group"].startswith(workflow.stem)
    # Of a branch only the newest commit matters; the run of a night is let end.
    assert concurrency["cancel-in-progress"] is ("push" in triggers_of(workflow))


@every_workflow
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    used = re.findall(r"^ +(?:- )?uses: (.+)$", workflow.read_text(), re.MULTILINE)
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    text = "\n".join(workflow.read_text() for workflow in WORKFLOWS)
    pins = set(re.findall(r"uses: (\S+)@(.+)$", text, re.MULTILINE))
    assert len(pins) == len({action for action, _ in pins})


def files() -> Iterator[Path]:
    """Finds the files of the repository, without those of hidden folders, such as .venv, and of installed packages."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
        yield from (Path(folder, name).relative_to(ROOT) for name in names)


def test_dependabot_knows_every_manifest() -> None:
    known = {
        (entry["package-ecosystem"], Path(folder.strip("/")))
        for entry in load(DEPENDABOT)["updates"]
        for folder in entry.get("directories", [entry.get("directory")])
    }
    there = {
        (ecosystem, path.parent)
        for path in files()
        for ecosystem, patterns in MANIFESTS.items()
        if any(fnmatch(path.name, pattern) for pattern in patterns)
    }
    assert there - known == set()
    assert ("github-actions", Path()) in known
