"""A tenant's workflows as an OpenAPI 3.1 document: each with its own input schema and its problem types."""

from __future__ import annotations

from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.gateway import errors
from tenantry.protocol.problems import CONTENT_TYPE, TYPE_BASE, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.protocol.bundles import BundledDefinition

OPENAPI: Final = "3.1.0"

_PROBLEMS: Final[dict[int, tuple[str, ...]]] = {
    400: ("invalid-json", "invalid-idempotency-key", "invalid-callback"),
    401: ("unauthenticated",),
    403: ("forbidden", "tenant-suspended", "callbacks-unavailable"),
    404: ("not-found",),
    408: ("request-timeout",),
    409: ("idempotency-key-reused", "version-unavailable", "trace-gone"),
    413: ("body-too-large",),
    415: ("unsupported-media-type",),
    422: ("invalid-input",),
    429: ("rate-limited",),
    500: ("internal",),
    503: ("draining", "journal-unavailable", "limits-unavailable"),
}
"""What a request to execute may be refused with before it runs; how executions fail is added to it."""

_AS_VALUES: Final = frozenset(("const", "enum", "default", "examples"))
"""Keywords of JSON Schema whose values are no schemas."""

_BY_NAME: Final = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
"""Keywords whose values hold schemas under names of any kind."""

_STRING: Final = {"type": "string"}
_HEADERS: Final = {
    "Execution-Id": "of the execution",
    "Idempotency-Replayed": "`true` when the answer is that of an earlier request with the same key",
    "Preference-Applied": "which of the preferences was heeded",
    "RateLimit": "what is left of the tenant's limits",
    "RateLimit-Policy": "the tenant's limits",
}
_ASKED: Final = {
    "Idempotency-Key": "1 to 255 ASCII characters: the same key and body give the same answer for 24 hours",
    "Prefer": "`respond-async`, or `wait=` and seconds",
    "Callback-Url": "where the end is told, as a signed webhook",
    "traceparent": "W3C trace context",
}
_SCHEMAS: Final[dict[str, Any]] = {
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "source"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": _STRING,
            "status": {"type": "integer"},
            "source": {"enum": [source.value for source in Source]},
            "detail": _STRING,
            "executionId": _STRING,
            "taskId": _STRING,
            "violations": {
                "type": "array",
                "items": {"type": "object", "properties": {"pointer": _STRING, "message": _STRING}},
            },
            "violated-policies": {"type": "array", "items": _STRING},
            "extra": {"type": "object"},
        },
    },
    "Accepted": {
        "type": "object",
        "required": ["id", "status", "links"],
        "properties": {
            "id": _STRING,
            "status": _STRING,
            "links": {"type": "object", "additionalProperties": _STRING},
        },
    },
}


def describe(tenant: str, workflows: Iterable[BundledDefinition], selector: str = "") -> dict[str, Any]:
    """The document.

    Args:
        tenant: whose workflows.
        workflows: which, each in the version to be described.
        selector: how the paths choose that version; empty for the current one.
    """
    paths: dict[str, Any] = {}
    schemas = dict(_SCHEMAS)
    for one in sorted(workflows, key=lambda definition: definition.name):
        schema = f"{one.name.replace('/', '.')}.input"
        schemas[schema] = _placed(one.document["spec"].get("input", True), f"#/components/schemas/{schema}")
        paths[f"{_path(one.name, selector)}/execute"] = {"post": _execute(one, schema)}
    return {
        "openapi": OPENAPI,
        "info": {"title": f"Workflows of {tenant}", "version": "1"},
        "servers": [{"url": f"/tenants/{tenant}/api/v1"}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
            "responses": {f"Problem{status}": _refusal(status, codes) for status, codes in _problems()},
        },
    }


def _path(name: str, selector: str) -> str:
    namespace, slash, own = name.rpartition("/")
    chosen = f"{own}@{selector}" if selector else own
    return f"/namespaces/{namespace}/workflows/{chosen}" if slash else f"/workflows/{chosen}"


def _execute(workflow: BundledDefinition, schema: str) -> dict[str, Any]:
    spec = workflow.document["spec"]
    refused = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status, _ in _problems()}
    return {
        "operationId": f"execute.{workflow.name.replace('/', '.')}",
        "summary": spec.get("description") or f"Executes {workflow.name}",
        "description": f"Version {workflow.version}.",
        "parameters": [
            {"name": name, "in": "header", "schema": _STRING, "description": told}
            for name, told in _ASKED.items()
        ],
        "requestBody": {"content": _json(schema)},
        "responses": {**_completed(spec.get("response")), "202": _accepted(), **refused},
    }


def _completed(response: Any) -> dict[str, Any]:
    """What the workflow answers; a status that a template gives is any of those that say so."""
    mapped = response if isinstance(response, dict) else {}
    status, content_type = mapped.get("status", 200), mapped.get("contentType", "application/json")
    told = {
        "description": "What the workflow's response says" if mapped else "The workflow's output",
        "headers": _headers(),
    }
    if isinstance(content_type, str) and "{{" not in content_type:
        told["content"] = {content_type: {}}
    return {str(status) if isinstance(status, int) else "2XX": told}


def _accepted() -> dict[str, Any]:
    location = {"Location": {"schema": _STRING, "description": "where to ask for it"}}
    told = "It goes on; ask for it where Location says"
    return {"description": told, "headers": {**_headers(), **location}, "content": _json("Accepted")}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _headers() -> dict[str, Any]:
    return {name: {"schema": _STRING, "description": told} for name, told in _HEADERS.items()}


def _problems() -> list[tuple[int, tuple[str, ...]]]:
    """The codes of problems, by status."""
    found: dict[int, set[str]] = defaultdict(set)
    for status, codes in _PROBLEMS.items():
        found[status].update(codes)
    for code in FailureCode:
        for source in Source:
            told = errors.execution_failed(Failure(code=code, message="", source=source), "").problem
            found[told.status].add(told.type.removeprefix(TYPE_BASE))
    return [(status, tuple(sorted(codes))) for status, codes in sorted(found.items())]


def _refusal(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    types = {"properties": {"type": {"enum": [f"{TYPE_BASE}{code}" for code in codes]}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, types]}
    told: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {CONTENT_TYPE: {"schema": schema}},
    }
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        told["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "in seconds"}}
    return told


def _placed(schema: Any, place: str) -> Any:
    """The schema with references into itself as it stands at a place; one with an `$id` is its own place."""
    if isinstance(schema, list):
        return [_placed(item, place) for item in schema]
    if not isinstance(schema, dict) or "$id" in schema:
        return schema
    return {key: _placed_at(key, value, place) for key, value in schema.items()}


def _placed_at(key: str, value: Any, place: str) -> Any:
    if key in _AS_VALUES:
        return value
    if key in _BY_NAME and isinstance(value, dict):
        return {name: _placed(schema, place) for name, schema in value.items()}
    if key == "$ref" and isinstance(value, str) and value.startswith("#"):
        return place + value[1:]
    return _placed(value, place)
