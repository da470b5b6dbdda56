"""Answers: JSON responses and problems, encoded once."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response

from tenantry.protocol.problems import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.engine.core.events import Answer
    from tenantry.dataplane.gateway.errors import RefusedError

_WITHOUT_CONTENT: Final = frozenset(
    (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED)
)
"""Statuses whose answers have no content (RFC 9110, 15)."""


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The value as JSON; structs under their wire names."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def completed_answer(output: Any, answer: Answer | None, headers: Mapping[str, str]) -> Response:
    """What a completed execution answers: its output, or what its workflow's `response` says.

    `headers` are the platform's own, and no workflow replaces one.
    """
    if answer is None:
        return json_answer(output, headers=headers)
    ours = {name.lower() for name in headers}
    theirs = {name: _sent(value) for name, value in answer.headers.items() if name.lower() not in ours}
    body = output if answer.body is msgspec.UNSET else answer.body
    content = msgspec.json.encode(body) if answer.is_json else str(body).encode()
    if answer.status in _WITHOUT_CONTENT:
        return Response(None, answer.status, {**theirs, **headers})
    return Response(content, answer.status, {**theirs, **headers}, _sent(answer.content_type))


def _sent(value: str) -> str:
    """A header's value whose bytes, which Starlette takes one for one, are UTF-8: any text can be sent."""
    return value.encode().decode("latin-1")


def problem_answer(error: RefusedError) -> Response:
    """The refusal as `application/problem+json`."""
    return Response(msgspec.json.encode(error.problem), error.problem.status, error.headers, CONTENT_TYPE)
