"""Describes the operations on segments for the API's document."""

from collections.abc import Mapping

from services.api.segments import handlers as segments
from services.api.segments.responses import Segment, Segments, SegmentSize
from services.api.segments.schemas import SegmentNew, SegmentPatch
from services.api.web.operation import (
    MADE_AT,
    NO_CONTENT,
    Example,
    Json,
    Operation,
    json_body,
    patch_body,
    success,
)
from services.api.web.route import Handler

TREE: Json = {
    "all": [
        {"field": "tag", "op": "eq", "value": "vip"},
        {"field": "attribute", "name": "city", "op": "in", "value": ["Moscow", "Tver"]},
        {"not": [{"field": "no_message_within", "value": "7d"}]},
    ]
}
SEGMENT_NEW: Json = {"name": "Moscow and Tver", "filter": TREE}
SEGMENT: Json = {"id": 1, **SEGMENT_NEW, "created_at": MADE_AT, "updated_at": MADE_AT}
_NAME_TAKEN = "Another segment has this name."

OPERATIONS: Mapping[Handler, Operation] = {
    segments.create: Operation(
        "createSegment",
        "segments",
        "Saves a filter under a name, for mailings to come. A mailing copies the filter when it starts.",
        {201: success("The segment.", Segment, SEGMENT, headers=("Location", "ETag"))},
        body=json_body(SegmentNew, tree=Example("Those with a tag and a city, who had a message lately", SEGMENT_NEW)),
        errors={409: _NAME_TAKEN},
    ),
    segments.listing: Operation(
        "listSegments",
        "segments",
        "Lists segments by ascending id, page by page.",
        {200: success("A page of segments.", Segments, {"items": [SEGMENT], "next": None}, headers=("Link",))},
    ),
    segments.show: Operation(
        "showSegment",
        "segments",
        "Shows a segment.",
        {200: success("The segment.", Segment, SEGMENT, headers=("ETag",))},
    ),
    segments.patch: Operation(
        "changeSegment",
        "segments",
        "Changes the fields that are given. Mailings that have started with the segment keep the filter that they "
        "copied; those that have not started get the new one.",
        {200: success("The changed segment.", Segment, SEGMENT, headers=("ETag",))},
        body=patch_body(SegmentPatch, name=Example("A new name", {"name": "Moscow, Tver"})),
        errors={409: _NAME_TAKEN},
        versioned=True,
    ),
    segments.delete: Operation(
        "deleteSegment",
        "segments",
        "Deletes a segment. While a mailing that has not started uses it, the answer is 409.",
        {204: NO_CONTENT},
        errors={409: "A mailing that has not started uses the segment."},
        versioned=True,
    ),
    segments.count: Operation(
        "countSegment",
        "segments",
        "Counts the clients that match a segment now.",
        {200: success("The number of clients.", SegmentSize, {"clients": 3, "opted_out": 1})},
    ),
}
