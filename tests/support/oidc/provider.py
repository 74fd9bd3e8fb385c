"""Installs and runs the OpenID provider: `oidc-provider` from npm, locked in package-lock.json beside this module."""

import asyncio
import hashlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.ports import take_ports

FOLDER = Path(__file__).parent
LOCKED = ("package.json", "package-lock.json", ".npmrc")
READY_SECONDS = 30
CLIENT, SECRET = "herald", "secret-of-the-tests"


def installed() -> Path:
    """Returns the folder of this lock's packages, in which server.js lies too. It may not exist yet."""
    version = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in (*LOCKED, "server.js")))
    return Path(sys.prefix) / "oidc" / version.hexdigest()[:16]


def install() -> None:
    """Installs what is locked, if it is not there. Raises CalledProcessError, and FileNotFoundError without npm."""
    target = installed()
    if target.exists():
        return
    work = target.with_suffix(f".{take_ports(1)}")
    work.mkdir(parents=True)
    for name in (*LOCKED, "server.js"):
        shutil.copy(FOLDER / name, work)
    subprocess.run(["npm", "ci", "--prefix", work, "--loglevel=error"], check=True, stdout=subprocess.DEVNULL)
    if not target.exists():
        work.rename(target)


@asynccontextmanager
async def run(herald_url: str, port: int) -> AsyncIterator[str]:
    """Runs the provider with Herald as its client. Yields the issuer. Skips the test where it cannot be installed."""
    try:
        await asyncio.to_thread(install)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"oidc-provider cannot be installed with npm: {error}")
    process = await asyncio.create_subprocess_exec(
        *("node", "server.js", str(port), herald_url, CLIENT, SECRET),
        cwd=installed(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        assert line == b"ready\n", "the OpenID provider has ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
