"""Installs the system packages that the tests need, before they run.

Usage: python -m tests.support.prepare [chaos]
"""

import asyncio
import os
import sys

from cli.failure import Failure
from cli.native import install
from cli.native.provisioning import check_availability
from cli.native.selection import BrokerSource, select_broker
from tests.chaos.faults import faketime
from tests.support.services import containers


def prepare() -> None:
    """Installs rabbitmq-server if the tests would find no RabbitMQ. Raises Failure if it cannot be installed."""
    if os.environ.get("HERALD_TEST_RABBITMQ_URL") or containers.available(containers.RABBITMQ):
        return
    choice = select_broker(asyncio.run(check_availability(None)))
    if choice is BrokerSource.MISSING:
        raise Failure(f"the tests need RabbitMQ: run `{install.COMMAND}` as root, or set HERALD_TEST_RABBITMQ_URL")
    if choice is BrokerSource.INSTALL:
        sys.stderr.write("installing rabbitmq-server for the tests\n")
        install.install_rabbitmq()


def prepare_chaos() -> None:
    """Installs libfaketime if possible. Without it the experiments with wrong clocks are skipped."""
    if faketime.find_library() is None and install.can_install():
        sys.stderr.write(f"installing {faketime.PACKAGE} for the tests\n")
        install.install_package(faketime.PACKAGE)


def main() -> int:
    try:
        prepare()
        if "chaos" in sys.argv[1:]:
            prepare_chaos()
    except Failure as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
