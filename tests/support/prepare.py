"""Installs the system packages that the tests need, before they run.

Usage: python -m tests.support.prepare [chaos | install PACKAGE...]

All runs need RabbitMQ. Checks and tests that need one of the programs below are skipped without it, unless
HERALD_TEST_REQUIRE_ALL is set: then the missing programs are installed, and the OpenID provider from npm.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cli.failure import Failure
from cli.native import install, rabbitmq
from cli.native.provisioning import check_availability
from cli.native.selection import BrokerSource, select_broker
from tests.chaos.faults import faketime
from tests.support import browser, skips
from tests.support.oidc import provider
from tests.support.services import containers


@dataclass(frozen=True, slots=True)
class Program:
    """A Debian package that some tests need, and a check whether what they need of it is there."""

    package: str
    is_installed: Callable[[], bool]


def _on_path(*commands: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(command) for command in commands)


PROGRAMS = (
    Program("chromium", lambda: any(map(shutil.which, browser.NAMES))),
    Program("prometheus", _on_path("prometheus", "promtool")),
    Program("prometheus-alertmanager", _on_path("amtool")),
    # Debian has this package since version 13. kubernetes-client in Debian 12 is too old to build the overlays.
    Program("kubectl", _on_path("kubectl")),
    # `make lint` checks the console's JavaScript by them.
    Program("npm", _on_path("node", "npm")),
    Program("openssl", _on_path("openssl")),
    Program("pgbouncer", _on_path("pgbouncer")),
    Program("rabbitmq-server", lambda: rabbitmq.find_script() is not None),
)
FAKETIME = Program(faketime.PACKAGE, lambda: faketime.find_library() is not None)


def choose_programs(*, chaos: bool) -> tuple[Program, ...]:
    """Returns what has to be installed; without libfaketime, the rows of wrong clocks are skipped."""
    if skips.are_forbidden():
        return (*PROGRAMS, FAKETIME) if chaos else PROGRAMS
    return (FAKETIME,) if chaos and install.can_install() else ()


def _install(packages: Sequence[str]) -> None:
    sys.stderr.write(f"installing {', '.join(packages)} for the tests\n")
    if install.can_install():
        install.install_packages(*packages)
    elif not _install_by_sudo(packages):
        raise Failure(f"{skips.VARIABLE} is set: run `{install.INSTALL} {' '.join(packages)}` as root, or unset it")


def _install_by_sudo(packages: Sequence[str]) -> bool:
    """Returns whether the packages could be installed by a sudo that asks for no password."""
    command = ["sudo", "--non-interactive", sys.executable, "-B", "-m", "tests.support.prepare", "install", *packages]
    return shutil.which("sudo") is not None and subprocess.run(command, check=False).returncode == 0


def prepare_programs(programs: Iterable[Program], installer: Callable[[Sequence[str]], None] = _install) -> None:
    """Installs those of the programs that are missing. Raises Failure when that does not work."""
    missing = [program for program in programs if not program.is_installed()]
    if missing:
        installer([program.package for program in missing])
    if still := [program.package for program in missing if not program.is_installed()]:
        raise Failure(f"still missing after their packages were installed: {', '.join(still)}")


def prepare_broker() -> None:
    """Installs rabbitmq-server where the tests would find no RabbitMQ. Raises Failure when that does not work."""
    if os.environ.get("HERALD_TEST_RABBITMQ_URL") or containers.available(containers.RABBITMQ):
        return
    choice = select_broker(asyncio.run(check_availability(None)))
    if choice is BrokerSource.MISSING:
        raise Failure(f"the tests need RabbitMQ: run `{install.COMMAND}` as root, or set HERALD_TEST_RABBITMQ_URL")
    if choice is BrokerSource.INSTALL:
        sys.stderr.write("installing rabbitmq-server for the tests\n")
        install.install_rabbitmq()


def prepare_provider() -> None:
    """Installs the OpenID provider where its tests may not be skipped. Raises Failure when that does not work."""
    if not skips.are_forbidden():
        return
    try:
        provider.install()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"the OpenID provider of the tests cannot be installed with npm: {error}") from error


def main() -> int:
    try:
        match sys.argv[1:]:
            case ["install", *packages]:
                install.install_packages(*packages)
            case arguments:
                prepare_programs(choose_programs(chaos="chaos" in arguments))
                prepare_broker()
                prepare_provider()
    except Failure as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
