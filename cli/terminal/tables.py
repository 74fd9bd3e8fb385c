"""Tables for the terminal. Values are shown literally, never interpreted as markup."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from cli.connections.api import Json
from shared.statuses import MESSAGE_STATUSES


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Makes a table. Columns of integers are aligned to the right."""
    table = Table(title=title or None, title_justify="left")
    listed = [list(row) for row in rows]
    for place, column in enumerate(columns):
        numeric = bool(listed) and all(isinstance(row[place], int) for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    return table


def mailing_table(mailing: Json) -> Table:
    """Makes a table of a mailing with a row for each attribute."""
    plain = ((key, value) for key, value in mailing.items() if not isinstance(value, dict))
    nested = (
        (f"{key}.{name}", ", ".join(inner) if isinstance(inner, list) else inner)
        for key, value in mailing.items()
        if isinstance(value, dict)
        for name, inner in value.items()
    )
    rows = [(key, "" if value is None else str(value)) for key, value in (*plain, *nested)]
    return make_table("", ("attribute", "value"), rows)


def statistics_table(statistics: Json) -> Table:
    """Makes a table of the number of messages of a mailing by status."""
    by_status = statistics["by_status"]
    rows = [(status, by_status[status]) for status in MESSAGE_STATUSES]
    return make_table(
        f"mailing {statistics['mailing_id']}", ("status", "messages"), [*rows, ("total", statistics["total"])]
    )


def preview_table(preview: Json) -> Table:
    """Makes a table of the recipients of a mailing: the totals, then the counts by operator code and by tag."""
    totals = [(name, preview[name]) for name in ("recipients", "reachable", "unreachable", "sms_segments")]
    codes = [(f"operator_code {code}", count) for code, count in preview["by_operator_code"].items()]
    tags = [(f"tag {tag}" if tag else "no tag", count) for tag, count in preview["by_tag"].items()]
    return make_table("nothing was created", ("figure", "count"), [*totals, *codes, *tags])
