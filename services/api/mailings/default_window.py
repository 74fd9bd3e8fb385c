"""The window of mailings that name none."""

import re

from aiohttp import web
from pydantic import ValidationError

from services.api.mailings.schemas import WindowNew
from shared.window import read_days

# None: sending is allowed at any hour.
DEFAULT_WINDOW: web.AppKey[WindowNew | None] = web.AppKey("default_window")

_FORM = re.compile(r"(?P<opens>[0-9:]+)-(?P<closes>[0-9:]+)( +(?P<days>[a-z,-]+))?", re.ASCII)


def parse_window(text: str) -> WindowNew | None:
    """Parses HERALD_DEFAULT_WINDOW: "09:00-21:00", with days "09:00-21:00 mon,tue" or "09:00-21:00 mon-fri".

    Returns None for an empty text. Raises ValueError.
    """
    if not text.strip():
        return None
    found = _FORM.fullmatch(text.strip().lower())
    wrong = ValueError(f"{text!r} is not a window such as 09:00-21:00, or 09:00-21:00 mon-fri")
    if found is None:
        raise wrong
    days = {"days": read_days(found["days"])} if found["days"] else {}
    try:
        return WindowNew.model_validate({"from": found["opens"], "to": found["closes"], **days})
    except ValidationError:
        raise wrong from None
