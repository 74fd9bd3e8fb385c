"""The files of the pages."""

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "files"

# The files that are served under /docs/, with their media types. Nothing else in the folder can be reached.
MEDIA: Mapping[str, str] = {
    "init.js": "text/javascript; charset=utf-8",
    "pages.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "LICENSE": "text/plain; charset=utf-8",
    "NOTICE": "text/plain; charset=utf-8",
}
