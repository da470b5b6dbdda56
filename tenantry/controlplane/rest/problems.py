"""Errors as `application/problem+json`. Handlers of the whole application; only REST's own raise to here."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tenantry.controlplane.requests import RETRY
from tenantry.controlplane.services.errors import InvalidInputError
from tenantry.controlplane.store.database import DatabaseUnavailableError
from tenantry.protocol.problems import CONTENT_TYPE, Source, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ExceptionHandler

    from tenantry.protocol.problems import Problem

_LOG = logging.getLogger(__name__)


def respond(content: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem under its status."""
    return Response(msgspec.json.encode(content), content.status, headers, CONTENT_TYPE)


def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (what Starlette registers this handler for)
    title = HTTPStatus(error.status_code).phrase
    code = title.lower().replace(" ", "-")
    detail = error.detail if error.detail != title else ""
    return respond(problem(code, title, error.status_code, detail), error.headers)


def _invalid_input(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidInputError)  # noqa: S101  (as above)
    violations = ({"pointer": error.field, "message": error.message},)
    return respond(problem("invalid-input", "Invalid input", 422, error.message, violations=violations))


def _unavailable(request: Request, error: Exception) -> Response:
    _LOG.warning("%s %s: the database is not available: %s", request.method, request.url.path, error)
    detail = "the database does not answer; try again"
    return respond(problem("unavailable", "Unavailable", 503, detail, source=Source.PLATFORM), RETRY)


def _unexpected(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return respond(problem("internal", "Internal error", 500, source=Source.PLATFORM))


HANDLERS: Final[Mapping[type[Exception], ExceptionHandler]] = {
    HTTPException: _http_error,
    InvalidInputError: _invalid_input,
    DatabaseUnavailableError: _unavailable,
    Exception: _unexpected,
}
"""What the application registers."""
