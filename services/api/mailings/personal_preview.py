"""Previews a text with placeholders: what is missing, what it looks like, and its number of short messages. Pure."""

from collections.abc import Iterable, Sequence

from services.api.clients.responses import Client
from services.api.mailings.missing_values import ValueShape
from services.api.mailings.responses import PersonalPreview, RenderedSample, SegmentsRange
from services.api.mailings.sms import TextWidth, segments_of_width, width_of
from services.api.web.responses import PlaceholderValues
from shared.personal_text import MAX_LENGTH, PersonalText, Unrendered, render


def preview_text(
    text: PersonalText, shapes: Sequence[ValueShape], missing: list[PlaceholderValues], sample: Sequence[Client]
) -> PersonalPreview:
    required = set(text.required)
    complete = [shape for shape in shapes if not required.intersection(shape.missing)]
    lengths = [(_width(text, shape), shape) for shape in complete]
    fitting = [(width, shape) for width, shape in lengths if width.characters <= MAX_LENGTH]
    return PersonalPreview(
        placeholders=missing,
        skipped=sum(shape.recipients for shape in shapes) - sum(shape.recipients for shape in complete),
        too_long=sum(shape.recipients for width, shape in lengths if width.characters > MAX_LENGTH),
        samples=[_rendered(text, client) for client in sample],
        segments=_range((segments_of_width(width), shape.recipients) for width, shape in fitting),
    )


def _width(text: PersonalText, shape: ValueShape) -> TextWidth:
    """Returns the width of the text with values of a shape."""
    fallbacks = (one.fallback or "" for one in text.placeholders if one.name in shape.missing)
    fixed = width_of("".join((*(part for part in text.parts if isinstance(part, str)), *fallbacks)))
    return TextWidth(
        gsm=fixed.gsm and shape.gsm,
        septets=fixed.septets + shape.septets,
        units=fixed.units + shape.units,
        characters=fixed.characters + shape.characters,
    )


def _range(counted: Iterable[tuple[int, int]]) -> SegmentsRange:
    found = list(counted)
    if not found:
        return SegmentsRange(least=0, most=0, total=0)
    segments = [number for number, _ in found]
    total = sum(number * recipients for number, recipients in found)
    return SegmentsRange(least=min(segments), most=max(segments), total=total)


def _rendered(text: PersonalText, client: Client) -> RenderedSample:
    try:
        return RenderedSample(client_id=client.id, text=render(text, client.attributes).text, reason=None)
    except Unrendered as reason:
        return RenderedSample(client_id=client.id, text=None, reason=str(reason))
