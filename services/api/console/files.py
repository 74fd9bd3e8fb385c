"""The files of the console."""

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "files"

_SCRIPT = "text/javascript; charset=utf-8"
_STYLE = "text/css; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_MODULES = (
    "actions api chart chips client clientform clients connection counts dialog dom download fields format letters "
    "live mailing mailingedit mailingform mailingnew mailings main messages overview router rows session stream "
    "timeline upload words zones"
)

# The files that are served under /console/, with their media types. Nothing else in the folder can be reached.
MEDIA: Mapping[str, str] = {
    **{f"{name}.js": _SCRIPT for name in _MODULES.split()},
    "uPlot.esm.js": _SCRIPT,
    "console.css": _STYLE,
    "pico.min.css": _STYLE,
    "uPlot.min.css": _STYLE,
    "icon.svg": "image/svg+xml",
    "LICENSE-pico.txt": _TEXT,
    "LICENSE-uPlot.txt": _TEXT,
}
