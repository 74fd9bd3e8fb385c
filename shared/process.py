"""Starts and stops a process: settings, logs, the event loop, signals and the exit code."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from shared import logs, settings, tracing, transport
from shared.checks import variables
from shared.redaction import Redactor, secrets_in
from shared.settings import Settings, SettingsError, TransportSettings
from shared.waiting import Stopped

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # uvloop does not install everywhere; the standard loop is slower, not different.
    new_event_loop = asyncio.new_event_loop

STOP_SECONDS = 25
GC_THRESHOLD = (20_000, 20, 20)
# With it a process gets a sixth of the time of one at 0, where both want the same core.
BACKGROUND_NICENESS = 8
AUTOGROUP = Path("/proc/self/autogroup")

SettingsT = TypeVar("SettingsT", bound=Settings)
Main = Callable[[SettingsT, asyncio.Event], Awaitable[None]]


def run(service: str, kind: type[SettingsT], main: Main[SettingsT], *, background: bool = True) -> int:
    """Runs one process until SIGTERM or Ctrl-C, and returns its exit code.

    `main` gets the settings and an event that is set when the process must stop. It then has 25 s to finish its work.
    A missing or wrong setting ends the process with one line that names the variable. A `background` process lowers its
    priority, for the sake of processes that somebody waits for.
    """
    try:
        if background:
            _lower_priority()
        config = settings.load(kind)
        # There are thousands of short-lived objects a second and hardly a cycle: the default of 700 costs too much.
        gc.set_threshold(*GC_THRESHOLD)
        # What was imported stays. To look through its 100,000 objects for cycles would hold the event loop for 30 ms.
        gc.freeze()
        _configure_logs(service, config)
        _install_error_hooks()
        variables.warn_of_unknown(os.environ)
        tracing.configure(service, os.environ)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(_supervise(service, config, main))
    except SettingsError as error:
        sys.stderr.write(f"herald {service}: {Redactor().text(str(error))}\n")
        return 2
    finally:
        tracing.close()


def _configure_logs(service: str, config: Settings) -> None:
    json, secrets = config.log_format == "json", _secrets_of(config)
    try:
        logs.configure(service, level=config.log_level, json=json, secrets=secrets, file=config.log_file)
    except OSError as error:
        raise SettingsError(f"HERALD_LOG_FILE: {config.log_file} cannot be written: {error.strerror}") from error


def _secrets_of(config: Settings) -> list[str]:
    values = [value for _, value in config if isinstance(value, SecretStr)]
    return [secret for value in values for secret in secrets_in(value.get_secret_value())]


def _install_error_hooks() -> None:
    """Logs uncaught errors. Python would write them to standard error, with the values that they quote."""

    def log_error(error: BaseException | None) -> None:
        logs.get().error("uncaught error", exc_info=error)

    sys.excepthook = lambda _, error, __: log_error(error)
    sys.unraisablehook = lambda found: log_error(found.exc_value)


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs the error of a task or a callback that nobody awaits. asyncio would quote the exception."""
    logs.get().error("uncaught error", detail=context.get("message"), exc_info=context.get("exception"))


def _lower_priority() -> None:
    os.nice(BACKGROUND_NICENESS)
    # With autogroups Linux shares a core between sessions first, and niceness counts only within a session.
    with suppress(OSError):
        AUTOGROUP.write_text(str(BACKGROUND_NICENESS))


async def _supervise(service: str, config: SettingsT, main: Main[SettingsT]) -> int:
    log = logs.get()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("process started")
    if isinstance(config, TransportSettings) and (weaknesses := config.weaknesses()):
        log.warning("insecure transport", peers=[str(each) for each in weaknesses], variable=transport.VARIABLE)
    work = asyncio.ensure_future(main(config, stop))
    watch = asyncio.ensure_future(stop.wait())
    await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
    watch.cancel()
    if not work.done():
        log.info("process stopping")
        await asyncio.wait((work,), timeout=STOP_SECONDS)
    return await _finish(work)


async def _finish(work: "asyncio.Future[None]") -> int:
    log = logs.get()
    if not work.done():
        log.error("process did not stop in time", seconds=STOP_SECONDS)
        work.cancel()
        await asyncio.wait((work,), timeout=2)
        return 1
    error = work.exception()
    if error is None or _is_stop(error):
        log.info("process stopped")
        return 0
    settings_errors = _settings_errors(error)
    if settings_errors:
        raise settings_errors[0]
    log.error("process failed", exc_info=error)
    return 1


def _is_stop(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_stop(inner) for inner in error.exceptions)
    return isinstance(error, Stopped)


def _settings_errors(error: BaseException) -> list[SettingsError]:
    if isinstance(error, SettingsError):
        return [error]
    if isinstance(error, BaseExceptionGroup):
        return [found for inner in error.exceptions for found in _settings_errors(inner)]
    return []


async def until_stopped(stop: asyncio.Event, *tasks: Awaitable[None]) -> None:
    """Runs tasks until `stop` is set, then cancels them. An error of one cancels the others and is raised."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(_as_coroutine(task)) for task in tasks]
        await stop.wait()
        for task in running:
            task.cancel()


async def _as_coroutine(task: Awaitable[None]) -> None:
    await task
