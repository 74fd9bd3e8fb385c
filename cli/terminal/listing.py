"""Shows a list of the API as a table, or as JSON as it comes."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from cli.connections.api import Json
from cli.connections.listing import Page
from cli.terminal.output import note, print_json, print_table
from cli.terminal.tables import make_table
from cli.terminal.wording import count


@dataclass(frozen=True, slots=True)
class View:
    """How the items of a list are shown: their noun, the columns, and the row of an item.

    The column `shortened` gets what width is left, and loses its end where that is too little.
    """

    noun: str
    columns: Sequence[str]
    row: Callable[[Json], Sequence[object]]
    shortened: str | None = None
    nouns: str | None = None


async def show_list(pages: AsyncIterator[Page], view: View, *, as_json: bool) -> None:
    """Shows a list to its end or limit, and notes on standard error if the list goes on."""
    shown, more, rows = 0, False, list[Sequence[object]]()
    async for page in pages:
        shown, more = shown + len(page.items), page.more
        if as_json:
            print_json(*page.items)
        else:
            rows += [view.row(item) for item in page.items]
    if rows:
        print_table(make_table("", view.columns, rows, shortened=view.shortened))
    elif not as_json:
        note(f"no {view.nouns or f'{view.noun}s'}")
    if more:
        note(f"only the first {count(shown, view.noun, view.nouns)}: --limit shows more")
