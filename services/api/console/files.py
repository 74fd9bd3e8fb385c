"""The files that the console consists of."""

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "files"

# The media types of what is served. A file with any other suffix is not served, and neither is the page itself,
# which has a policy of its own.
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


def served() -> Mapping[str, str]:
    """Returns the media type of each file under /console/, by its path below the folder, such as shared/api.js."""
    paths = (path for path in sorted(FOLDER.rglob("*")) if path.suffix in MEDIA_TYPES)
    return {path.relative_to(FOLDER).as_posix(): MEDIA_TYPES[path.suffix] for path in paths}
