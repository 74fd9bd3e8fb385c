"""Tables for the terminal. Values are shown literally, never interpreted as markup."""

from collections.abc import Iterable, Sequence
from typing import Literal

import orjson
from rich.table import Table
from rich.text import Text

from cli.connections.api import Json
from cli.terminal.wording import utc_moment
from shared.statuses import MESSAGE_STATUSES

# A shortened column keeps this many characters.
SHORTEST = 10
DELIVERY_COLUMNS = ("delivered", "undelivered", "waiting", "unconfirmed", "no_receipt")
MOST_REASONS = 5


def make_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, shortened: str | None = None
) -> Table:
    """Makes a table. Columns of integers are aligned to the right.

    The column `shortened` gets what width is left, and loses its end where that is too little.
    """
    table = Table(title=title or None, title_justify="left")
    listed = [list(row) for row in rows]
    for place, column in enumerate(columns):
        numeric = bool(listed) and all(isinstance(row[place], int) for row in listed)
        if column == shortened:
            table.add_column(column, no_wrap=True, overflow="ellipsis", min_width=SHORTEST)
        else:
            justify: Literal["left", "right"] = "right" if numeric else "left"
            table.add_column(column, justify=justify, overflow="fold", no_wrap=shortened is not None)
    for row in listed:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    return table


def attribute_table(found: Json) -> Table:
    """Makes a table of a mailing or a client with a row for each attribute, and for each set one of those within."""
    plain = sorted(((key, value) for key, value in found.items() if not isinstance(value, dict)), key=_place)
    nested = (
        (f"{key}.{name}", inner)
        for key, value in found.items()
        if isinstance(value, dict)
        for name, inner in value.items()
        if inner is not None
    )
    return make_table("", ("attribute", "value"), [(key, _in_words(key, value)) for key, value in (*plain, *nested)])


def _place(attribute: tuple[str, object]) -> int:
    """Puts the id first, and when something happened last."""
    return -1 if attribute[0] == "id" else attribute[0] in {"created_at", "updated_at", "started_at", "finished_at"}


def _in_words(attribute: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and attribute.endswith("_at"):
        return utc_moment(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, list | dict):
        # Conditions, at any depth.
        return orjson.dumps(value).decode()
    return "" if value is None else str(value)


def event_row(event: Json) -> list[object]:
    """Makes the row of an event: its moment, its kind, and its details as name=value."""
    details = "  ".join(f"{name}={_detail(value)}" for name, value in event["detail"].items())
    return [utc_moment(event["at"]), event["kind"], details]


def _detail(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def statistics_table(statistics: Json) -> Table:
    """Makes a table of the number of messages of a mailing by status."""
    by_status = statistics["by_status"]
    rows = [(status, by_status[status]) for status in MESSAGE_STATUSES]
    return make_table(
        f"mailing {statistics['mailing_id']}", ("status", "messages"), [*rows, ("total", statistics["total"])]
    )


def delivery_table(found: Json) -> Table:
    """Makes a table of what receipts say of a mailing: a row for each provider, and one for all of them."""
    rows = [(one["provider"], *_delivery_cells(one)) for one in found["by_provider"]]
    reasons = ", ".join(f"{one['reason']} ({one['count']})" for one in found["reasons"][:MOST_REASONS])
    title = f"mailing {found['mailing_id']}" + (f"; undelivered for: {reasons}" if reasons else "")
    columns = ("provider", *DELIVERY_COLUMNS, "p50 s", "p95 s")
    return make_table(title, columns, [*rows, ("total", *_delivery_cells(found))])


def _delivery_cells(counts: Json) -> list[object]:
    times = (counts["time_to_handset"][name] for name in ("p50", "p95"))
    return [*(counts[name] for name in DELIVERY_COLUMNS), *(None if time is None else f"{time:.1f}" for time in times)]


def preview_tables(preview: Json, title: str = "nothing was created") -> list[Table]:
    """Makes tables of the recipients of a mailing: the totals, the counts by operator code and by tag, and the texts.

    Of a text with placeholders, also who lacks a value of each, and the texts of a few recipients.
    """
    totals = [(name, preview[name]) for name in ("recipients", "opted_out", "reachable", "unreachable", "sms_segments")]
    codes = [(f"operator_code {code}", count) for code, count in preview["by_operator_code"].items()]
    tags = [(f"tag {tag}" if tag else "no tag", count) for tag, count in preview["by_tag"].items()]
    zones = [(f"never reachable in {zone['timezone']}", zone["recipients"]) for zone in preview["never_reachable"]]
    tables = [make_table(title, ("figure", "count"), [*totals, *codes, *tags, *zones])]
    return tables if preview["personal"] is None else [*tables, *_personal_tables(preview)]


def _personal_tables(preview: Json) -> list[Table]:
    personal, phones = preview["personal"], {one["id"]: one["phone"] for one in preview["sample"]}
    placeholders = [
        (one["name"], "yes" if one["required"] else "no", one["missing"], ", ".join(one["phones"]))
        for one in personal["placeholders"]
    ]
    samples = [(phones.get(one["client_id"]), one["text"] or one["reason"]) for one in personal["samples"]]
    segments = personal["segments"]
    title = f"short messages: {segments['least']} to {segments['most']} each, {segments['total']:,} in all"
    return [
        make_table("values", ("placeholder", "required", "lack it", "such as"), placeholders),
        make_table(title, ("phone", "text"), samples),
    ]
