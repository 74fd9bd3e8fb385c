"""What the API answers about segments."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from services.api.segments.tree import NAMED, NODE
from services.api.web.responses import Count, Id, Next, ResponseModel
from services.api.web.versions import VersionedModel

# As it was given.
TreeShown = Annotated[dict[str, Any], WithJsonSchema({NAMED: NODE})]


class Segment(VersionedModel):
    """A filter that is saved under a name."""

    id: Id
    name: str
    filter: TreeShown
    created_at: datetime
    updated_at: datetime


class Segments(ResponseModel):
    """A page of segments."""

    items: list[Segment]
    next: Next


class SegmentSize(ResponseModel):
    """How many clients match a segment now."""

    clients: Count = Field(description="Those that match the filter.")
    opted_out: Count = Field(description="Those of them who are on the stop list, and get nothing.")
