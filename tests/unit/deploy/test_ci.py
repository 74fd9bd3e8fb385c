"""The files for hosted continuous integration are valid, and run `make test`."""

import re
from typing import Any

import pytest
import yaml

from tests.unit.deploy.manifests import ROOT

GITLAB, GITHUB = ROOT / ".gitlab-ci.yml", ROOT / ".github" / "workflows" / "ci.yml"


def gitlab_jobs() -> dict[str, Any]:
    loaded = yaml.safe_load(GITLAB.read_text())
    words = ("default", "stages", "variables", "workflow", "include")
    return {name: job for name, job in loaded.items() if name not in words and not name.startswith(".")}


def github_jobs() -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(GITHUB.read_text())["jobs"]
    return jobs


def commands_of(job: dict[str, Any]) -> str:
    if "steps" in job:
        return "\n".join(str(step.get("run", "")) for step in job["steps"])
    return "\n".join(job["script"])


@pytest.mark.parametrize("jobs", [gitlab_jobs(), github_jobs()], ids=["gitlab", "github"])
def test_the_jobs_test_build_the_image_and_look_at_the_compose_file(jobs: dict[str, Any]) -> None:
    tests = [job for name, job in jobs.items() if name.startswith("test")]
    assert tests
    assert all(".ci/run" in commands_of(job) for job in tests)
    assert "docker build" in commands_of(jobs["image"])
    assert "docker compose config --quiet" in commands_of(jobs["image"])


def test_what_they_run_is_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_every_job_ends_in_time() -> None:
    assert all("timeout" in job for job in gitlab_jobs().values())
    assert all("timeout-minutes" in job for job in github_jobs().values())


def test_every_stage_of_a_gitlab_job_exists() -> None:
    stages = yaml.safe_load(GITLAB.read_text())["stages"]
    assert {job["stage"] for job in gitlab_jobs().values()} == set(stages)


def test_github_may_read_and_nothing_else() -> None:
    loaded = yaml.safe_load(GITHUB.read_text())
    assert loaded["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in loaded["jobs"].values())


def test_every_action_is_pinned_to_a_major_version() -> None:
    used = [step["uses"] for job in github_jobs().values() for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)
