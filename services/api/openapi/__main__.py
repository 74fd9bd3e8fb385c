"""Prints the document: python -m services.api.openapi > docs/openapi.json."""

import sys

from services.api.openapi.document import build, text
from services.api.routes import ROUTES

sys.stdout.write(text(build(ROUTES)))
