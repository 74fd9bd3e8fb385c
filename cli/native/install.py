"""Installs rabbitmq-server on Debian and Ubuntu, without starting it as a service."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cli.failure import Failure
from cli.native import rabbitmq

INSTALL = "apt-get install -y"
COMMAND = f"{INSTALL} rabbitmq-server"
INSTALL_SECONDS = 600
_POLICY = Path("/usr/sbin/policy-rc.d")
# Debian runs this program before a package starts its service; exit code 101 forbids it.
_FORBID = "#!/bin/sh\nexit 101\n"


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_rabbitmq() -> Path:
    """Installs rabbitmq-server and returns the path of its start script. Raises Failure."""
    install_packages("rabbitmq-server")
    script = rabbitmq.find_script()
    if script is None:
        raise Failure(f"rabbitmq-server was installed, but its start script is missing: run `{COMMAND}` and try again")
    return script


def install_packages(*names: str) -> None:
    """Installs Debian packages. Raises Failure."""
    written = _forbid_services()
    try:
        _apt("update", "-qq")
        _apt("install", "-y", "-qq", "--no-install-recommends", *names)
    finally:
        if written:
            _POLICY.unlink(missing_ok=True)


def _forbid_services() -> bool:
    if _POLICY.exists():
        return False
    _POLICY.write_text(_FORBID)
    _POLICY.chmod(0o755)
    return True


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            ["apt-get", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            output.seek(0)
            raise Failure(f"`apt-get {' '.join(arguments)}` failed: run it yourself\n{output.read()[-1000:]}")
