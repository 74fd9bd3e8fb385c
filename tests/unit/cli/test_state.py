"""The files of a stack in .herald/: its lock, its token and its Prometheus targets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.failure import Failure
from cli.stack.plan import ProcessSpec
from cli.stack.state import find_or_create_token, lock_folder, prometheus_targets


def test_a_given_token_is_used_and_not_stored(tmp_path: Path) -> None:
    assert find_or_create_token("given", tmp_path / "token") == "given"
    assert not (tmp_path / "token").exists()


def test_a_new_token_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    token = find_or_create_token(None, tmp_path / "folder" / "token")
    file = tmp_path / "folder" / "token"
    assert len(token) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() == token


def test_a_kept_token_is_used_again(tmp_path: Path) -> None:
    assert find_or_create_token(None, tmp_path / "token") == find_or_create_token("", tmp_path / "token")


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cli.stack.state import lock_folder\n"
        "with lock_folder(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Failure, match=f"pid {other.pid}"), lock_folder(tmp_path):
            pass
        other.kill()
    # A lock ends with its process, even with a killed one.
    with lock_folder(tmp_path):
        pass


def test_prometheus_finds_each_process_while_it_runs(tmp_path: Path) -> None:
    processes = [
        ProcessSpec("sandbox", "sandbox", {}, "http://127.0.0.1:8090/faults"),
        ProcessSpec("dispatcher-2", "dispatcher", {}, "http://127.0.0.1:9105/readyz", "127.0.0.1:9105"),
    ]
    file = tmp_path / "prometheus.json"
    with prometheus_targets(processes, file):
        assert json.loads(file.read_text()) == [{"targets": ["127.0.0.1:9105"], "labels": {"process": "dispatcher"}}]
    assert list(tmp_path.iterdir()) == []
