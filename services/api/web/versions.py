"""Versions of clients and mailings as entity tags: who edits what somebody else has changed meanwhile is told."""

from datetime import datetime

from aiohttp import web
from aiohttp.helpers import ETAG_ANY

from services.api.web.problems import HttpProblem
from services.api.web.responses import ResponseModel, reply


class VersionedModel(ResponseModel):
    """The base of answers that have a version."""

    updated_at: datetime


def etag_of(updated_at: datetime) -> str:
    """Returns the entity tag of a version. It says nothing of counts, which change without an edit."""
    return f'"{updated_at.timestamp() * 1_000_000:.0f}"'


def reply_version(answer: VersionedModel, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answers with a model as JSON, and with its version as ETag."""
    return reply(answer, status=status, headers={"ETag": etag_of(answer.updated_at), **(headers or {})})


class Precondition:
    """The If-Match header of a request: the versions on which the caller's edit is based. Without one, any will do."""

    def __init__(self, request: web.Request) -> None:
        self._given = request.headers.getall("If-Match", None)
        self._tags = request.if_match or ()

    def check(self, updated_at: datetime) -> None:
        """Raises a 412 problem unless the present version is one of those that were given."""
        if self._given is None or any(tag.value == ETAG_ANY for tag in self._tags):
            return
        present = etag_of(updated_at).strip('"')
        if not any(tag.value == present and not tag.is_weak for tag in self._tags):
            raise HttpProblem("changed-meanwhile", "It was changed meanwhile. Show it again before you change it.")
