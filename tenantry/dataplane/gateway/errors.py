"""Refusals: every way the gateway says no, as problems. One place maps outcomes to HTTP (SPEC part 2)."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.protocol.problems import Problem, Source, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.language.plan.model import Violation

RETRY_AFTER_SECONDS: Final = 1


class RefusedError(Exception):
    """A request ends here, with this problem and these headers."""

    def __init__(self, refusal: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(refusal.detail)
        self.problem, self.headers = refusal, dict(headers or {})


def unauthenticated(detail: str) -> RefusedError:
    """No credential, or a bad one."""
    refusal = problem("unauthenticated", "Authentication required", HTTPStatus.UNAUTHORIZED, detail)
    return RefusedError(refusal, {"WWW-Authenticate": 'Bearer realm="tenantry"'})


def forbidden(detail: str) -> RefusedError:
    """The credential does not allow it."""
    return RefusedError(problem("forbidden", "Not allowed", HTTPStatus.FORBIDDEN, detail))


def suspended() -> RefusedError:
    """The tenant is suspended."""
    detail = "this tenant is suspended: ask the platform operator to resume it"
    return RefusedError(problem("tenant-suspended", "Tenant suspended", HTTPStatus.FORBIDDEN, detail))


def not_found(what: str) -> RefusedError:
    """It does not exist, or is another tenant's: the answers are equal."""
    return RefusedError(problem("not-found", "Not found", HTTPStatus.NOT_FOUND, f"there is no such {what}"))


def invalid_callback(reason: str) -> RefusedError:
    """`Callback-Url` cannot be called back."""
    return bad_header("invalid-callback", "Invalid callback", f"Callback-Url: {reason}")


def callbacks_unavailable() -> RefusedError:
    """The installation has nothing to sign callbacks with."""
    detail = "this installation signs no callbacks: its operator sets TENANTRY_CALLBACK_SECRETS"
    return RefusedError(problem("callbacks-unavailable", "No callbacks", HTTPStatus.FORBIDDEN, detail))


def method_not_allowed(allowed: str) -> RefusedError:
    """The path exists, not with this method."""
    refusal = problem(
        "method-not-allowed", "Method not allowed", HTTPStatus.METHOD_NOT_ALLOWED, f"use {allowed}"
    )
    return RefusedError(refusal, {"Allow": allowed})


def bad_query(parameter: str, detail: str) -> RefusedError:
    """A query parameter cannot be read."""
    return RefusedError(
        problem(
            "invalid-parameter", "Invalid query parameter", HTTPStatus.BAD_REQUEST, f"{parameter}: {detail}"
        )
    )


def bad_header(code: str, title: str, detail: str) -> RefusedError:
    """A header of the request cannot be read."""
    return RefusedError(problem(code, title, HTTPStatus.BAD_REQUEST, detail))


def conflict(code: str, title: str, detail: str, execution_id: str = "") -> RefusedError:
    """Something is in another state than the request takes it to be."""
    refusal = problem(code, title, HTTPStatus.CONFLICT, detail, execution_id=execution_id)
    return RefusedError(refusal)


def trace_gone(execution_id: str) -> RefusedError:
    """What an execution did, or what it was to do, is not stored any more, or cannot be read."""
    detail = "what it did is not stored any more, or cannot be read: nothing can be made of it"
    return conflict("trace-gone", "Trace gone", detail, execution_id)


def key_reused(execution_id: str) -> RefusedError:
    """An idempotency key stands for another request."""
    detail = "this Idempotency-Key was sent with another workflow or body: send a new key with a new request"
    return conflict("idempotency-key-reused", "Idempotency key reused", detail, execution_id)


def not_json(reason: str) -> RefusedError:
    """The body is not JSON within our bounds."""
    return RefusedError(problem("invalid-json", "The body is not valid JSON", HTTPStatus.BAD_REQUEST, reason))


def bad_body(reason: str) -> RefusedError:
    """The body is JSON, and not what is asked for."""
    refusal = problem("invalid-body", "The body is not what is asked for", HTTPStatus.BAD_REQUEST, reason)
    return RefusedError(refusal)


def body_too_slow(seconds: float) -> RefusedError:
    """The body was not whole in time."""
    detail = f"the body was not whole within {seconds:g} s: send it faster, or less of it"
    return RefusedError(
        problem("request-timeout", "The body came too slowly", HTTPStatus.REQUEST_TIMEOUT, detail),
        {"Connection": "close"},
    )


def too_large(limit: int) -> RefusedError:
    """The body is over its bound."""
    detail = f"the body may have at most {limit} bytes"
    return RefusedError(
        problem("body-too-large", "The body is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    )


def wrong_content_type(found: str) -> RefusedError:
    """The body is declared as something else."""
    detail = f"send Content-Type: application/json without Content-Encoding, not {found[:80]}"
    return RefusedError(
        problem("unsupported-media-type", "Wrong content type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    )


def invalid_input(violations: Iterable[Violation]) -> RefusedError:
    """The input fails the workflow's schema."""
    found = tuple({"pointer": one.pointer, "message": one.message} for one in violations)
    detail = f"the input does not match the workflow's schema in {len(found)} place(s)"
    return RefusedError(
        problem("invalid-input", "Invalid input", HTTPStatus.UNPROCESSABLE_ENTITY, detail, violations=found)
    )


def rate_limited(policies: tuple[str, ...], headers: Mapping[str, str]) -> RefusedError:
    """The limit decision refused."""
    detail = f"the tenant's limit {', '.join(policies)} is reached; nothing was consumed by this request"
    return RefusedError(
        problem("rate-limited", "Limit reached", HTTPStatus.TOO_MANY_REQUESTS, detail, policies=policies),
        headers,
    )


def unavailable(code: str, detail: str, execution_id: str = "") -> RefusedError:
    """Tenantry cannot take or finish this now; a later try may succeed."""
    refusal = problem(
        code,
        "Temporarily unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        detail,
        source=Source.PLATFORM,
        execution_id=execution_id,
    )
    return RefusedError(refusal, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def internal() -> RefusedError:
    """A fault of Tenantry itself."""
    detail = "an internal error; it has been logged with the time of this answer"
    return RefusedError(
        problem(
            "internal", "Internal error", HTTPStatus.INTERNAL_SERVER_ERROR, detail, source=Source.PLATFORM
        )
    )


def execution_failed(failure: Failure, execution_id: str) -> RefusedError:
    """An execution ended without an output."""
    status, title = _FAILURES.get(failure.code, _UPSTREAM)
    if failure.source is Source.CALLER and failure.code in _OF_VALUES:
        status, title = _CALLERS_VALUES
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE or failure.retry_on is not None:
        headers["Retry-After"] = str(max(RETRY_AFTER_SECONDS, math.ceil(failure.retry_after_seconds)))
    extra: dict[str, Any] = {"upstreamStatus": failure.status} if failure.status else {}
    refusal = problem(
        failure.code.value,
        title,
        status,
        failure.message,
        source=failure.source,
        execution_id=execution_id,
        task_id=failure.task,
        extra=extra,
    )
    return RefusedError(refusal, headers)


_OF_VALUES: Final = frozenset(
    {
        FailureCode.UNRESOLVED,
        FailureCode.INPUT_MISMATCH,
        FailureCode.NO_CASE,
        FailureCode.TOO_MANY_ITEMS,
    }
)
_CALLERS_VALUES: Final = (HTTPStatus.UNPROCESSABLE_ENTITY, "The input cannot be used")
_UPSTREAM: Final = (HTTPStatus.BAD_GATEWAY, "A task failed")
_FAILURES: Final = {
    FailureCode.CIRCUIT_OPEN: (HTTPStatus.SERVICE_UNAVAILABLE, "The upstream's circuit is open"),
    FailureCode.DEADLINE: (HTTPStatus.GATEWAY_TIMEOUT, "The deadline passed"),
    FailureCode.JOURNAL_UNAVAILABLE: (HTTPStatus.SERVICE_UNAVAILABLE, "The journal is not available"),
    FailureCode.CANCELLED: (HTTPStatus.SERVICE_UNAVAILABLE, "The execution was cancelled"),
    FailureCode.INTERRUPTED: (HTTPStatus.SERVICE_UNAVAILABLE, "The executor stopped"),
    FailureCode.INTERNAL: (HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error"),
}
"""Everything else that fails an execution failed at or because of an upstream: 502."""
