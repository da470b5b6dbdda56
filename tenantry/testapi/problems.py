"""What the test API answers when it refuses: RFC 9457 problems with a code, raised anywhere in a route."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from starlette.requests import Request


class RequestProblem(Exception):  # noqa: N818 - a problem is RFC 9457's word for it
    """A request the shop refuses.

    Attributes:
        code: stable, machine readable, such as `card-declined`.
        status: the HTTP status it travels under.
        detail: one sentence about this occurrence.
        fields: further members of the problem, such as `errors`.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail)
        self.code, self.status, self.detail = code, status, detail
        self.headers, self.fields = headers, fields

    def response(self) -> Response:
        """The problem as an answer."""
        body = {
            "type": f"https://testapi.example/problems/{self.code}",
            "title": _phrase(self.status),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.fields,
        }
        return JSONResponse(body, self.status, self.headers, media_type="application/problem+json")


def not_found(kind: str, key: object) -> RequestProblem:
    """Nothing of that kind has that key."""
    return RequestProblem("not-found", 404, f"there is no {kind} {key!r}")


def invalid(error: ValidationError, what: str, status: int) -> RequestProblem:
    """The request's `what` does not fit its model; `errors` names every violation."""
    errors = [{"pointer": _pointer(item["loc"]), "detail": item["msg"]} for item in error.errors()]
    detail = "; ".join(f"{item['pointer'] or '/'}: {item['detail']}" for item in errors[:3])
    return RequestProblem(f"invalid-{what}", status, f"the {what} is not valid: {detail}", errors=errors)


def answer_problem(request: Request, error: Exception) -> Response:
    """Starlette's handler of `RequestProblem` and of its own refusals (unknown path, wrong method)."""
    if isinstance(error, HTTPException):
        code = _phrase(error.status_code).lower().replace(" ", "-")
        detail = f"{error.detail}: {request.method} {request.url.path[:100]}"
        error = RequestProblem(code, error.status_code, detail, headers=error.headers)
    assert isinstance(error, RequestProblem)  # noqa: S101 - what this handler is registered for
    return error.response()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


def _pointer(location: Sequence[str | int]) -> str:
    return "".join(f"/{part}" for part in location)
