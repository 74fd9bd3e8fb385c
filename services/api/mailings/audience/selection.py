"""The audience of a plan at this moment: its filter as a condition of SQL, as the planner will freeze it."""

from dataclasses import dataclass
from datetime import datetime

from services.api.mailings.rules import MailingPlan
from services.api.segments import store as segments
from services.api.segments.handlers import require_mailings
from services.api.segments.tree import read_conditions
from services.api.web.problems import InvalidValue, invalid
from shared.audience.conditions import Group
from shared.audience.reading import read_tree
from shared.audience.sql import compile_filter
from shared.database import Connection, Pool

_LISTS = """c.deleted_at IS NULL
    AND (cardinality($1::text[]) = 0 OR c.operator_code = ANY ($1::text[]))
    AND (cardinality($2::text[]) = 0 OR c.tag = ANY ($2::text[]) OR c.further_tags && $2::text[])
    AND ($3::bigint IS NULL OR EXISTS (
        SELECT FROM messages m WHERE m.client_id = c.id AND m.mailing_id = $3 AND m.unsent_status IS NOT NULL
    ))"""

_OF_FILE = """(
    SELECT k.id, k.phone, k.operator_code, k.tag, k.further_tags, k.timezone, k.external_id, k.suppression_id,
        k.created_at, k.updated_at, k.attributes || r.given AS attributes, r.line
    FROM recipients r JOIN clients k ON k.id = r.client_id WHERE r.file_id = $1
) AS c"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who matches a plan: the lists of its filter, and the tree, which may be that of a segment; or a file."""

    operator_codes: list[str]
    tags: list[str]
    unsent_of: int | None
    tree: Group | None
    start: datetime
    file_id: int | None = None

    @property
    def table(self) -> str:
        """The rows named `c` on which the condition is asked: clients, or the recipients of a file with its values."""
        return "clients c" if self.file_id is None else _OF_FILE

    @property
    def order(self) -> str:
        """The order in which samples are taken: that of the directory, or of the file."""
        return "c.id" if self.file_id is None else "c.line"

    @property
    def is_everybody(self) -> bool:
        """Whether the audience is the whole directory."""
        limits = (self.operator_codes, self.tags, self.unsent_of, self.tree, self.file_id)
        return not any(limits)

    def condition(self) -> tuple[str, list[object]]:
        """Returns a condition on rows of clients named `c`, and the values of its parameters, which begin with $1.

        It holds for those on the stop list, too.
        """
        if self.file_id is not None:
            return "c.phone IS NOT NULL", [self.file_id]
        values: list[object] = [self.operator_codes, self.tags, self.unsent_of]
        compiled = compile_filter(self.tree, first=len(values) + 1, mailing_id=None, start=self.start)
        return f"{_LISTS} AND {compiled.sql}", [*values, *compiled.values]


async def read_audience(connection: Connection | Pool, plan: MailingPlan) -> Audience:
    """Reads the filter of a plan. Raises a 422 problem if it cannot be read, or names what does not exist."""
    tree = None
    if plan.segment_id is not None:
        segment = await segments.get(connection, plan.segment_id)
        if segment is None:
            raise invalid(InvalidValue(("body", "filter", "segment"), "must be the id of a segment"))
        tree = read_tree(segment.filter)
    elif plan.conditions is not None:
        tree = read_conditions(plan.conditions, "filter")
        await require_mailings(connection, tree)
    return Audience(plan.operator_codes, plan.tags, plan.unsent_of, tree, plan.start_at, plan.file_id)
