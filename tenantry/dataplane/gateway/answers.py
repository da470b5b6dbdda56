"""Answers: JSON responses and problems, encoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from tenantry.protocol.problems import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.gateway.errors import RefusedError


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The value as JSON; structs under their wire names."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def problem_answer(error: RefusedError) -> Response:
    """The refusal as `application/problem+json`."""
    return Response(msgspec.json.encode(error.problem), error.problem.status, error.headers, CONTENT_TYPE)
