"""Reads receipts from the fields of a provider's request, as its mapping says. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.messages import Receipt
from shared.providers.json_walk import walk
from shared.providers.schema import ReceiptMoment, ReceiptReason, ReceiptsConfig
from shared.statuses import Delivery

# Of a JSON body whose root is a list.
ROOT = ""
# Our own id, as {{message_id}} or {{message_key}} gave it to the provider.
_OURS = re.compile(r"(?:[0-9a-f]{1,32}-)?(\d{1,19})", re.ASCII)
_NUMBERED = re.compile(r"\[\d*\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST_REASON, _LONGEST_ID, MOST_ID = 100, 200, 2**63 - 1
ANY_STATUS = "*"

Fields = Mapping[str, Any]


class UnreadableReceipt(Exception):
    """A request holds no receipt that the mapping fits. The message names the field, and no value."""


def read_receipts(config: ReceiptsConfig, fields: Fields) -> list[Receipt]:
    """Returns the receipts of a request; those that `only` leaves out are not among them. Raises UnreadableReceipt."""
    return [_receipt(config, item) for item in _items(config, fields) if _is_wanted(config, item)]


def _is_wanted(config: ReceiptsConfig, item: Fields) -> bool:
    return all(_text(_at(item, path)) == wanted for path, wanted in (config.only or {}).items())


def _items(config: ReceiptsConfig, fields: Fields) -> Iterator[Fields]:
    """Yields the fields of each receipt, laid over those of the whole request."""
    listed = _at(fields, config.items) if config.items is not None else fields.get(ROOT)
    if config.items is not None and not isinstance(listed, list):
        listed = [value for name, value in fields.items() if _is_numbered(name, config.items)]
        if not listed:
            raise UnreadableReceipt(f"no {config.items}")
    if not isinstance(listed, list):
        yield fields
        return
    for one in listed:
        yield {**fields, **_cut(config, one)}


def _is_numbered(name: str, items: str) -> bool:
    return name.startswith(items) and _NUMBERED.fullmatch(name[len(items) :]) is not None


def _cut(config: ReceiptsConfig, item: Any) -> Fields:
    if isinstance(item, dict):
        return item
    if isinstance(item, str) and config.lines is not None:
        return dict(zip(config.lines, (line.strip() for line in item.splitlines()), strict=False))
    raise UnreadableReceipt(f"{config.items or 'the list'} holds something else than receipts")


def _receipt(config: ReceiptsConfig, item: Fields) -> Receipt:
    status = _text(_at(item, config.status))
    if not status:
        raise UnreadableReceipt(f"no {config.status}")
    raw, reason = _reason(config.reason, item)
    # A status that the file does not know says no more than that the message is on its way.
    delivery: Delivery = config.map.get(status) or config.map.get(ANY_STATUS) or "waiting"
    message_id, provider_id = _ids(config, item)
    return Receipt(
        message_id=message_id,
        provider_id=provider_id,
        delivery=delivery,
        reason=reason if delivery == "undelivered" else "",
        at=_moment(config.at, item),
        opt_out=status in config.opt_out or raw in config.opt_out,
    )


def _ids(config: ReceiptsConfig, item: Fields) -> tuple[int | None, str | None]:
    ours = _OURS.fullmatch(_text(_at(item, config.message_id)) if config.message_id is not None else "")
    message_id = int(ours[1]) if ours is not None and 1 <= int(ours[1]) <= MOST_ID else None
    provider_id = _clean(_text(_at(item, config.provider_id)))[:_LONGEST_ID] if config.provider_id is not None else ""
    if message_id is None and not provider_id:
        names = [name for name in (config.message_id, config.provider_id) if name is not None]
        raise UnreadableReceipt(f"no id in {' or '.join(names)}")
    return message_id, provider_id or None


def _reason(config: ReceiptReason | str | None, item: Fields) -> tuple[str, str]:
    """Returns a reason as the provider writes it, and as it is to be shown."""
    if config is None:
        return "", ""
    if isinstance(config, str):
        config = ReceiptReason(path=config)
    raw = _text(_at(item, config.path))
    shown = config.map.get(raw) or config.map.get(ANY_STATUS) or raw
    return raw, _clean(shown)[:_LONGEST_REASON]


def _moment(config: ReceiptMoment | str | None, item: Fields) -> datetime | None:
    """Returns the provider's moment, None for one that cannot be read: ours stands in its place then."""
    if config is None:
        return None
    if isinstance(config, str):
        config = ReceiptMoment(path=config)
    text = _text(_at(item, config.path))
    try:
        match config.format:
            case "unix":
                return datetime.fromtimestamp(float(text), UTC)
            case "unix_ms":
                return datetime.fromtimestamp(float(text) / 1000, UTC)
            case "iso":
                found = datetime.fromisoformat(text)
            case pattern:
                found = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added below
        # A moment in the year 1 has no place in every zone.
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(config.timezone))).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _at(fields: Fields, path: str) -> Any:
    """Returns what stands at a path: a field of that name, or else what its dots lead to."""
    return fields[path] if path in fields else next(walk(fields, path.split(".")), None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()
