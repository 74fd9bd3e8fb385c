"""herald trace: prints one timeline from the logs and the database."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.commands.options import HIGHEST_ID
from cli.connections.addresses import find_database, find_logs
from cli.connections.database import open_database
from cli.failure import Failure
from cli.run import run
from cli.terminal.output import note, write_lines
from cli.terminal.wording import count
from cli.trace import history
from cli.trace.formatting import format_json, format_line
from cli.trace.history import History
from cli.trace.log_lines import Source
from cli.trace.target import Kind, Target, search_pattern
from cli.trace.timeline import Collector, in_order
from shared.migrate import require_current

STDIN = "-"


def trace_command(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE", help="Log files, or - for standard input. Default: the logs that `herald up` keeps."
        ),
    ] = None,
    mailing: Annotated[
        int | None, typer.Option(min=1, max=HIGHEST_ID, metavar="ID", help="Id of the mailing to trace.")
    ] = None,
    message: Annotated[
        int | None, typer.Option(min=1, max=HIGHEST_ID, metavar="ID", help="Id of the message to trace.")
    ] = None,
    client: Annotated[
        int | None, typer.Option(min=1, max=HIGHEST_ID, metavar="ID", help="Id of the client to trace.")
    ] = None,
    messages: Annotated[
        bool,
        typer.Option(
            "--messages",
            help="Print every line, also those of single messages of a mailing and of read-only requests.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print what the logs and the database know about a mailing, a message or a client, in order of time.

    With containers: docker compose logs --no-color | herald trace --message 5 -
    """
    given: list[tuple[Kind, int]] = []
    for kind, number in _kinds(mailing, message, client):
        if number is not None:
            given.append((kind, number))
    if len(given) != 1:
        raise typer.BadParameter("give one of --mailing, --message and --client")
    run(_trace(*given[0], files or [], each=messages, as_json=json))


def _kinds(mailing: int | None, message: int | None, client: int | None) -> Iterator[tuple[Kind, int | None]]:
    yield "mailing", mailing
    yield "message", message
    yield "client", client


async def _trace(kind: Kind, number: int, files: Sequence[str], *, each: bool, as_json: bool) -> None:
    # The files are opened first, so that an unreadable one is reported before anything takes time.
    with _open(files) as sources:
        database = find_database()
        async with open_database(database.url, remedy=database.remedy) as connection:
            await require_current(connection)
            found = await history.read(connection, kind, number)
        known = found or History(_unknown(kind, number), f"{kind} {number}, which is not in the database", [])
        collector = Collector(known.target, each=each)
        for source in sources:
            for service, event in source.events(search_pattern(known.target)):
                collector.add(service, event)
            if source.lines and not source.json_lines:
                note(f"{source.name} holds no JSON lines: set HERALD_LOG_FORMAT=json to get them")
    entries = in_order([*collector.entries(), *known.entries])
    if not entries:
        raise Failure(f"there is no {kind} {number}")
    if not sources:
        note("no log files were found: only what the database knows is shown")
    if collector.left_out:
        note(f"{count(collector.left_out, 'more log line', 'more log lines')} left out")
    if not as_json:
        typer.echo(known.title)
    write_lines(format_json(entry) if as_json else format_line(entry, kind).encode() for entry in entries)


def _unknown(kind: Kind, number: int) -> Target:
    """Returns the target for an id that is not in the database, but may be in the logs."""
    ids, none = frozenset({number}), frozenset[int]()
    return Target(
        kind,
        number,
        mailing_ids=ids if kind == "mailing" else none,
        message_ids=ids if kind == "message" else none,
        client_ids=ids if kind == "client" else none,
    )


@contextmanager
def _open(files: Sequence[str]) -> Iterator[list[Source]]:
    """Opens the files, by default the logs of `herald up`. Raises Failure for an unreadable one."""
    paths = files or [str(path) for path in sorted(find_logs().glob("*.log*"))]
    with ExitStack() as stack:
        yield [_source(path, stack) for path in paths]


def _source(path: str, stack: ExitStack) -> Source:
    if path == STDIN:
        return Source(sys.stdin.buffer, "standard input")
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the stack closes it
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", code=2) from error
    return Source(stack.enter_context(file), Path(path).name.partition(".")[0])
