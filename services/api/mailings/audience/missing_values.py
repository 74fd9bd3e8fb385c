"""Who of an audience lacks a value of a text, and how long the text gets for the others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.api.mailings.audience.selection import Audience
from services.api.mailings.rules import MailingPlan
from services.api.web.problems import HttpProblem
from services.api.web.responses import PlaceholderValues
from shared.audience.personal_text import PersonalText, read_text
from shared.database import Connection, Pool
from shared.texts.sms import EXTENSION, NOT_BASIC

SAMPLE = 5
# Characters that count twice: those of the extension in septets, those beyond the basic plane in units of UTF-16.
_EXTENDED = "[" + re.escape(EXTENSION) + "]"
_BEYOND = "[\U00010000-\U0010ffff]"
_COUNTED_TWICE = f"{_EXTENDED[:-1]}{_BEYOND[1:]}"


@dataclass(frozen=True, slots=True)
class ValueShape:
    """Recipients whose values are equally long and in the same alphabet, summed over the placeholders of a text.

    `missing` are the names of those without a value. `septets` count in the GSM alphabet, `units` in UTF-16.
    """

    missing: tuple[str, ...]
    gsm: bool
    septets: int
    units: int
    characters: int
    recipients: int


async def count_shapes(connection: Connection | Pool, audience: Audience, text: PersonalText) -> list[ValueShape]:
    """Counts the audience by the shape of their values, in one pass over the clients."""
    condition, values = audience.condition()
    names = text.names
    first = len(values) + 1
    not_basic, extended, beyond, twice = (f"${first + len(names) + place}::text" for place in range(4))
    read = ", ".join(f"c.attributes ->> ${first + place}::text AS v{place}" for place in range(len(names)))
    missing = ", ".join(f"coalesce(btrim(v{place}), '') = ''" for place in range(len(names)))
    # Where a name occurs twice, its value counts twice. A text that only escapes has none.
    joined = ", ".join(["''", *(f"v{names.index(one.name)}" for one in text.placeholders)])
    rows = await connection.fetch(
        f"""
        -- Each value is read once, those of a file are merged once, and all of a client are measured as one string:
        -- functions of text take most of the time. OFFSET 0 keeps PostgreSQL from writing the expressions of the inner
        -- queries into the outer ones.
        SELECT missing, all_values !~ {not_basic} AS gsm, length AS characters,
            length + CASE WHEN some_twice THEN regexp_count(all_values, {extended}) ELSE 0 END AS septets,
            length + CASE WHEN some_twice THEN regexp_count(all_values, {beyond}) ELSE 0 END AS units,
            count(*) AS recipients
        FROM (
            SELECT missing, all_values, char_length(all_values) AS length, all_values ~ {twice} AS some_twice
            FROM (
                SELECT ARRAY[{missing}]::boolean[] AS missing, concat({joined}) AS all_values
                FROM (
                    SELECT {read} FROM (
                        SELECT c.attributes FROM {audience.table} WHERE {condition} AND c.suppression_id IS NULL
                        OFFSET 0
                    ) AS c
                    OFFSET 0
                ) AS v
                OFFSET 0
            ) AS joined
            OFFSET 0
        ) AS measured
        GROUP BY 1, 2, 3, 4, 5
        """,  # noqa: S608 - the pieces are constant, and all values are parameters
        *values,
        *names,
        NOT_BASIC,
        _EXTENDED,
        _BEYOND,
        _COUNTED_TWICE,
    )
    return [
        ValueShape(
            missing=tuple(name for name, lacks in zip(names, row["missing"], strict=True) if lacks),
            gsm=row["gsm"],
            septets=row["septets"],
            units=row["units"],
            characters=row["characters"],
            recipients=row["recipients"],
        )
        for row in rows
    ]


async def count_missing(
    connection: Connection | Pool, audience: Audience, text: PersonalText, shapes: Sequence[ValueShape]
) -> list[PlaceholderValues]:
    """Counts for each placeholder who of the audience lacks its value, and finds the first of them."""
    counted = {name: sum(shape.recipients for shape in shapes if name in shape.missing) for name in text.names}
    found = []
    for name, count in counted.items():
        sample = await _sample(connection, audience, name) if count else {}
        found.append(
            PlaceholderValues(
                name=name,
                required=name in text.required,
                missing=count,
                sample=list(sample),
                phones=list(sample.values()),
            )
        )
    return found


async def _sample(connection: Connection | Pool, audience: Audience, name: str) -> dict[int, str]:
    """Returns the phones of the first who lack a value, by their ids."""
    condition, values = audience.condition()
    rows = await connection.fetch(
        f"""
        SELECT c.id, c.phone FROM {audience.table}
        WHERE {condition} AND c.suppression_id IS NULL
            AND coalesce(btrim(c.attributes ->> ${len(values) + 1}::text), '') = ''
        ORDER BY {audience.order} LIMIT {SAMPLE}
        """,  # noqa: S608 - the condition has parameters for all values
        *values,
        name,
    )
    return {row["id"]: row["phone"] for row in rows}


async def require_values(connection: Connection | Pool, plan: MailingPlan, audience: Audience) -> None:
    """Raises a 409 problem with the numbers if some of the audience lack a value, unless the plan skips those."""
    if plan.on_missing == "skip" or not plan.personal:
        return
    text = read_text(plan.text)
    if not text.required:
        return
    shapes = await count_shapes(connection, audience, text)
    found = await count_missing(connection, audience, text, shapes)
    lacking = [one for one in found if one.required and one.missing]
    if lacking:
        said = ", ".join(f"{one.missing:,} lack {one.name}" for one in lacking)
        raise HttpProblem(
            "missing-values",
            f"Some of the audience lack a value: {said}. Nothing was stored.",
            members={"missing_values": [one.model_dump() for one in lacking]},
        )
