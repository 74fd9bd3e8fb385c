"""What callers send about segments."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from services.api.segments.tree import GROUPS, AllOf, AnyOf, NoneOf
from services.api.web.bodies import BodyModel
from services.api.web.field_types import PRINTABLE_PATTERN, VISIBLE_PATTERN, label, left_out, visible
from services.api.web.queries import PageQuery

SegmentName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        description="A name that no other segment has.",
        examples=["Moscow, unsent"],
        json_schema_extra={"pattern": PRINTABLE_PATTERN, "allOf": [{"pattern": VISIBLE_PATTERN}]},
    ),
    label(100),
    AfterValidator(visible),
]


class TreeNew(BodyModel):
    """A tree of conditions: one of all, any and not, with a list of conditions and groups."""

    all_of: AllOf | None = left_out(None, alias="all")
    any_of: AnyOf | None = left_out(None, alias="any")
    none_of: NoneOf | None = left_out(None, alias="not")

    def raw(self) -> dict[str, Any]:
        """Returns what was given, as JSON has it."""
        given = {key: getattr(self, field) for key, field in GROUPS.items()}
        return {key: value for key, value in given.items() if value is not None}


class SegmentTree(TreeNew):
    """The filter of a segment: exactly one of all, any and not."""

    @model_validator(mode="after")
    def _one(self) -> "SegmentTree":
        if len(self.raw()) != 1:
            raise ValueError("must have one of all, any and not")
        return self


class SegmentNew(BodyModel):
    """A segment to save."""

    name: SegmentName
    filter: SegmentTree


class SegmentPatch(BodyModel):
    """The fields of a segment to change."""

    name: SegmentName = left_out("")
    filter: SegmentTree | None = left_out(None)


class SegmentsQuery(PageQuery):
    pass
