"""The options with which the recipients of a mailing are chosen, and the filter that they make."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.commands.json_files import read_filter
from cli.commands.options import HIGHEST_ID
from cli.connections.api import Json

Operators = Annotated[list[str] | None, typer.Option(help="Only clients with this operator code; may be repeated.")]
Tags = Annotated[list[str] | None, typer.Option(help="Only clients with this tag; may be repeated.")]
UnsentOf = Annotated[
    int | None, typer.Option(min=1, metavar="ID", help="Only clients who did not get this other mailing.")
]
SegmentOf = Annotated[
    int | None, typer.Option("--segment", min=1, max=HIGHEST_ID, metavar="ID", help="Only clients of this segment.")
]
OnMissing = Annotated[
    Literal["refuse", "skip"] | None,
    typer.Option(
        help="What to do when clients lack a value of the text: refuse the mailing, which is the default, or skip them."
    ),
]


@dataclass(frozen=True, slots=True)
class GivenFilter:
    """The options of a filter that were given at the command line."""

    operators: list[str] | None = None
    tags: list[str] | None = None
    unsent_of: int | None = None
    segment: int | None = None
    file: Path | None = None

    def body(self) -> Json:
        """Returns the filter as the API takes it. Raises typer.BadParameter for a file that holds none."""
        given: Json = {"operator_codes": self.operators or [], "tags": self.tags or []}
        given |= {} if self.unsent_of is None else {"unsent_of": self.unsent_of}
        given |= {} if self.segment is None else {"segment": self.segment}
        tree = {} if self.file is None else read_filter(self.file)
        if twice := tree.keys() & {name for name, value in given.items() if value}:
            raise typer.BadParameter(f"{self.file} and an option both give {', '.join(sorted(twice))}")
        return given | tree
