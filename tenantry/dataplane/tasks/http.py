"""`http` tasks: render the request, send it, judge and parse the response."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.dataplane.tasks.http_client import (
    BadRequestError,
    BadResponseError,
    ConnectionFailedError,
    EgressDeniedError,
    HttpError,
    HttpRequest,
    HttpResponse,
    ResponseTooLargeError,
    TimedOutError,
)
from tenantry.dataplane.telemetry.context import TRACEPARENT
from tenantry.language.plan.model import BodyEncoding, HttpOutput, RetryOn
from tenantry.language.values import JsonError, dump_json, parse_json
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.http_client import HttpClient
    from tenantry.language.plan.model import HttpRequestPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json

DEADLINE_HEADER: Final = "X-Envoy-Expected-Rq-Timeout-Ms"
"""The header service meshes already understand as "how long the caller will wait"."""

_CONTENT_TYPES: Final = {
    BodyEncoding.JSON: "application/json",
    BodyEncoding.FORM: "application/x-www-form-urlencoded",
    BodyEncoding.TEXT: "text/plain; charset=utf-8",
}
_EXCERPT: Final = 200
_UPSTREAM_MESSAGE_FIELDS: Final = ("detail", "message", "error_description", "error", "title")


class Bounds(NamedTuple):
    """What is known of one attempt beside its request.

    Attributes:
        timeout_seconds: its own bound.
        remaining_seconds: of the deadline.
        repeatable: it may be sent twice.
        traceparent: the trace context of its span.
    """

    timeout_seconds: float
    remaining_seconds: float
    repeatable: bool
    traceparent: str


async def exchange(client: HttpClient, plan: HttpRequestPlan, request: HttpRequest) -> TaskResult:
    """Sends a rendered request and reads the answer.

    Raises:
        AttemptFailedError: the call failed.
    """
    sent_bytes = len(request.body) if request.body else 0
    try:
        response = await client.send(request)
    except HttpError as error:
        raise AttemptFailedError(_call_failure(error), sent_bytes) from None
    if response.status not in plan.success:
        raise AttemptFailedError(_status_failure(response), sent_bytes)
    try:
        return TaskResult(_output(plan, response), sent_bytes)
    except JsonError as error:
        raise AttemptFailedError(_unreadable(response, error), sent_bytes) from None


def render(plan: HttpRequestPlan, scope: Scope, bounds: Bounds) -> HttpRequest:
    """The request with every template resolved.

    It tells the upstream what remains of the deadline, and the trace it is part of unless its author does.

    Raises:
        TemplateError: one cannot be.
    """
    url = plan.url(scope)
    if plan.query:
        query = urlencode([pair for name, value in plan.query for pair in _parameters(name, value(scope))])
        url = f"{url}{'&' if '?' in url else '?'}{query}" if query else url
    headers = {name: value(scope) for name, value in plan.headers}
    headers[DEADLINE_HEADER] = str(int(min(bounds.timeout_seconds, bounds.remaining_seconds) * 1000))
    if not _has(headers, TRACEPARENT):
        headers[TRACEPARENT] = bounds.traceparent
    body = None
    if plan.body is not None:
        body = _encode(plan.body_encoding, plan.body(scope))
        if not _has(headers, "content-type"):
            headers["Content-Type"] = _CONTENT_TYPES[plan.body_encoding]
    return HttpRequest(
        method=plan.method,
        url=url,
        headers=headers,
        body=body,
        max_response_bytes=plan.max_response_bytes,
        timeout_seconds=bounds.timeout_seconds,
        repeatable=bounds.repeatable,
    )


def _has(headers: dict[str, str], wanted: str) -> bool:
    return any(name.lower() == wanted for name in headers)


def _parameters(name: str, value: Json) -> list[tuple[str, str]]:
    """A list repeats the parameter, null leaves it out."""
    values = value if isinstance(value, list) else [value]
    return [(name, _text(item)) for item in values if item is not None]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dump_json(value).decode()


def _encode(encoding: BodyEncoding, value: Json) -> bytes:
    if encoding is BodyEncoding.JSON:
        return dump_json(value)
    if encoding is BodyEncoding.FORM and isinstance(value, dict):
        return urlencode([pair for name, item in value.items() for pair in _parameters(name, item)]).encode()
    return _text(value).encode()


def _output(plan: HttpRequestPlan, response: HttpResponse) -> Json:
    if plan.output is HttpOutput.BODY:
        return parse_json(response.body) if response.body.strip() else None
    headers: dict[str, Json] = dict(response.headers)
    return {"status": response.status, "headers": headers, "body": _any_body(response)}


def _any_body(response: HttpResponse) -> Json:
    if "json" in response.headers.get("content-type", ""):
        return parse_json(response.body) if response.body.strip() else None
    text = response.body.decode("utf-8", "replace")
    if "\0" in text:
        raise JsonError("the text holds U+0000, which cannot be stored")
    return text


def _call_failure(error: HttpError) -> Failure:
    code, retry_on, source = _CALL_FAILURES[type(error)]
    return Failure(
        code=code, message=error.reason, source=source, retry_on=retry_on, outcome_unknown=error.sent
    )


_CALL_FAILURES: Final[dict[type[HttpError], tuple[FailureCode, RetryOn | None, Source]]] = {
    ConnectionFailedError: (FailureCode.UPSTREAM_CONNECTION, RetryOn.CONNECTION, Source.UPSTREAM),
    TimedOutError: (FailureCode.UPSTREAM_TIMEOUT, RetryOn.TIMEOUT, Source.UPSTREAM),
    BadResponseError: (FailureCode.UPSTREAM_RESPONSE, None, Source.UPSTREAM),
    ResponseTooLargeError: (FailureCode.RESPONSE_TOO_LARGE, None, Source.UPSTREAM),
    EgressDeniedError: (FailureCode.EGRESS_DENIED, None, Source.CALLER),
    BadRequestError: (FailureCode.REQUEST_INVALID, None, Source.CALLER),
}


def _status_failure(response: HttpResponse) -> Failure:
    retry_on = None
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        retry_on = RetryOn.TOO_MANY_REQUESTS
    elif response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry_on = RetryOn.SERVER_ERROR
    said = _upstream_message(response)
    return Failure(
        code=FailureCode.UPSTREAM_STATUS,
        message=f"the upstream answered {response.status}{f': {said}' if said else ''}",
        status=response.status,
        retry_on=retry_on,
        retry_after_seconds=retry_after(response) if retry_on else 0.0,
        explained=bool(said),
    )


def _upstream_message(response: HttpResponse) -> str:
    """What the upstream itself says in its JSON, shortened; nothing of any other body is repeated."""
    try:
        body = parse_json(response.body)
    except JsonError:
        return ""
    if not isinstance(body, dict):
        return ""
    texts = (body.get(field) for field in _UPSTREAM_MESSAGE_FIELDS)
    return next((text[:_EXCERPT] for text in texts if isinstance(text, str) and text), "")


def retry_after(response: HttpResponse) -> float:
    """Seconds asked for by `Retry-After`; its date form is relative to the response's own `Date`."""
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value[:9])
    dates = [value, response.headers.get("date", "")]
    try:
        later, sooner = map(parsedate_to_datetime, dates)
        return max(0.0, (later - sooner).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _unreadable(response: HttpResponse, error: JsonError) -> Failure:
    content_type = response.headers.get("content-type", "no Content-Type")[:80]
    return Failure(
        code=FailureCode.UPSTREAM_RESPONSE,
        message=f"the upstream answered {response.status} with {content_type} that cannot be read: {error}",
        status=response.status,
    )
