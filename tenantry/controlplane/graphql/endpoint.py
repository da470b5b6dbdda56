"""`POST /graphql`: GraphQL over HTTP, one operation per request. GET, batches and subscriptions do not exist.

Follows the GraphQL over HTTP draft: `application/graphql-response+json` has statuses of its own, while
`application/json` answers 200 to every well-formed request.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from graphql import GraphQLError, OperationDefinitionNode
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from tenantry.controlplane.graphql.context import Context
from tenantry.controlplane.graphql.limits import check_document
from tenantry.controlplane.requests import CHALLENGE, RETRY, bearer_token, read_body
from tenantry.controlplane.services.errors import ServiceError, UnauthenticatedError
from tenantry.controlplane.store.database import DatabaseUnavailableError
from tenantry.language.values import JsonError, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    import strawberry
    from graphql import DocumentNode
    from starlette.requests import Request

    from tenantry.controlplane.services.platform import Services
    from tenantry.tenants.roles import Principal

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
UNAVAILABLE: Final = "unavailable"
"""The code of an error that passes by itself: the same request may be sent again."""

_LOG = logging.getLogger(__name__)
_RESPONSE_TYPE: Final = "application/graphql-response+json"
_LEGACY_TYPE: Final = "application/json"
_SUGGESTION: Final = re.compile(r" Did you mean .*\?$", re.DOTALL)
_UNAVAILABLE_MESSAGE: Final = "the database does not answer; try again"
_OPERATIONS: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})


class BadRequestError(Exception):
    """The body is no GraphQL request."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a caller wants executed."""

    query: str
    variables: dict[str, Any]
    name: str | None


class GraphQLEndpoint:
    """Executes operations for whoever holds an API key."""

    def __init__(self, schema: strawberry.Schema, services: Services) -> None:
        self._schema, self._services = schema, services

    def routes(self) -> list[Route]:
        """What the application mounts."""
        return [Route("/graphql", self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        media_type = _media_type(request)
        try:
            actor = await self._authenticate(request)
        except UnauthenticatedError as error:
            return Response(orjson.dumps(_failure(error.code, error.message)), 401, CHALLENGE, media_type)
        except DatabaseUnavailableError as error:
            _LOG.warning("the database is not available: %s", error)
            content = _failure(UNAVAILABLE, _UNAVAILABLE_MESSAGE)
            return Response(orjson.dumps(content), 503, RETRY, media_type)
        body = await read_body(
            request, content_types=frozenset({"application/json"}), max_bytes=MAX_BODY_BYTES
        )
        try:
            operation = await asyncio.to_thread(_read_operation, body)
        except BadRequestError as error:
            content = {"errors": [_present(GraphQLError(str(error)))]}
            return Response(orjson.dumps(content), 400, media_type=media_type)
        return await self._execute(operation, Context(actor, self._services), media_type)

    async def _authenticate(self, request: Request) -> Principal:
        try:
            token = bearer_token(request)
        except HTTPException as error:  # told as every other failure to say who asks
            raise UnauthenticatedError(error.detail) from None
        return await self._services.authentication.authenticate(token)

    async def _execute(self, operation: Operation, context: Context, media_type: str) -> Response:
        try:
            _check_choice(check_document(operation.query), operation.name)
            result = await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.name,
                allowed_operation_types=_OPERATIONS,
            )
        except GraphQLError as error:
            return _refuse([error], media_type)
        except (CannotGetOperationTypeError, InvalidOperationTypeError):
            return _refuse([GraphQLError("The document has no such query or mutation.")], media_type)
        errors = result.errors or []
        if result.data is None and not any(error.path for error in errors):
            return _refuse(errors, media_type)
        content: dict[str, Any] = {"data": result.data}
        if errors:
            content["errors"] = [_present(error) for error in errors]
        if any(isinstance(error.original_error, DatabaseUnavailableError) for error in errors):
            # With the data all the same: what other fields did, such as a new token, is told only once.
            return Response(orjson.dumps(content), 503, RETRY, media_type)
        return Response(orjson.dumps(content), media_type=media_type)


def _failure(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def _media_type(request: Request) -> str:
    return _RESPONSE_TYPE if _RESPONSE_TYPE in request.headers.get("accept", "") else _LEGACY_TYPE


def _read_operation(body: bytes) -> Operation:
    try:
        content = parse_json(body)
    except JsonError as error:
        raise BadRequestError(error.reason) from None
    if not isinstance(content, dict):
        raise BadRequestError("a request is one JSON object; batches are not taken")
    query, name = content.get("query"), content.get("operationName")
    variables, extensions = content.get("variables"), content.get("extensions")
    if not isinstance(query, str):
        raise BadRequestError("query is the text of a GraphQL document")
    if not isinstance(name, str | None):
        raise BadRequestError("operationName is a string, where it is given")
    if not isinstance(variables, dict | None) or not isinstance(extensions, dict | None):
        raise BadRequestError("variables and extensions are objects, where they are given")
    return Operation(query=query, variables=variables or {}, name=name)


def _check_choice(document: DocumentNode, name: str | None) -> None:
    # Strawberry would run the first of several; the specification wants them told apart.
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is None and len(operations) > 1:
        raise GraphQLError("The document has several operations; say which one in operationName.")


def _refuse(errors: Iterable[GraphQLError], media_type: str) -> Response:
    """Answers a request that was not executed."""
    status = 400 if media_type == _RESPONSE_TYPE else 200
    return Response(
        orjson.dumps({"errors": [_present(error) for error in errors]}), status, media_type=media_type
    )


def _present(error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    shown: dict[str, Any] = dict(error.formatted)
    if isinstance(original, ServiceError):
        shown["message"] = original.message
        shown["extensions"] = {"code": original.code} | ({"field": original.field} if original.field else {})
    elif isinstance(original, DatabaseUnavailableError):
        _LOG.warning("resolving %s failed, the database is not available: %s", error.path, original)
        shown["message"], shown["extensions"] = _UNAVAILABLE_MESSAGE, {"code": UNAVAILABLE}
    elif original is None or error.path is None:
        # Suggestions would tell a caller what else there is.
        shown["message"] = _SUGGESTION.sub("", error.message)
        shown["extensions"] = {"code": "graphql.invalid"}
    else:
        _LOG.error("resolving %s failed", error.path, exc_info=original)
        shown["message"] = "something went wrong here; it has been logged"
        shown["extensions"] = {"code": "internal"}
    return shown
