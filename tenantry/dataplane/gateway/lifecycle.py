"""What callers do to executions: cancel, pause, resume, retry, fork, and look at a state of the past."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from tenantry.dataplane.engine.core.forking import StaleReuseError, UnknownTaskError
from tenantry.dataplane.engine.core.snapshot import snapshot
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus
from tenantry.dataplane.executions.control import (
    InvalidInputError,
    NotDurableError,
    NotPossibleError,
    UnknownOutcomeError,
)
from tenantry.dataplane.executions.pinned import PlanGoneError
from tenantry.dataplane.executions.revival import JournalDamagedError, TraceGoneError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.body import parse_body, read_body
from tenantry.dataplane.gateway.executions import execution_id_of, parse_instant
from tenantry.dataplane.gateway.outcomes import accepted_answer
from tenantry.dataplane.limits.port import OverLimitError
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.gateway.services import Services

    Act = Callable[[ServedTenant, str, str], Awaitable[ExecutionStatus | None]]

StructT = TypeVar("StructT", bound=msgspec.Struct)

_LOG = logging.getLogger(__name__)


MAX_INPUTS: Final = 1000
"""Given to tasks by one request: each is looked up in the plan, with all that comes after it."""

_Inputs: TypeAlias = Annotated[dict[str, Any], msgspec.Meta(max_length=MAX_INPUTS)]


class _Fork(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """The body of a fork: from which task, and what is to be different."""

    task: str
    input: Any = msgspec.UNSET
    inputs: _Inputs = {}


class _Retry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """The body of a retry: what tasks get instead, by path; whether a call may do its work twice."""

    inputs: _Inputs = {}
    acknowledge_unknown_outcome: bool = False


class LifecycleEndpoints:
    """`POST /executions/{id}/cancel`, `pause`, `resume`, `retry`, `fork`; `GET /executions/{id}/state`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def cancel(self, request: Request) -> Response:
        """Ends it; one that has ended stays as it is."""
        return await self._act(request, self._services.control.cancel)

    async def pause(self, request: Request) -> Response:
        """Lets nothing more of it begin."""
        return await self._act(request, self._services.control.pause)

    async def resume(self, request: Request) -> Response:
        """Goes on with it."""
        self._caller_of_work(request)
        return await self._act(request, self._services.control.resume)

    async def retry(self, request: Request) -> Response:
        """Runs what failed of it again."""
        self._caller_of_work(request)  # who may not is told nothing of the body
        body = _parse(await read_body(request), _Retry)

        async def retry(tenant: ServedTenant, execution_id: str, actor: str) -> ExecutionStatus | None:
            known = body.acknowledge_unknown_outcome
            return await self._services.control.retry(
                tenant, execution_id, actor, body.inputs, acknowledged=known
            )

        return await self._act(request, retry)

    async def fork(self, request: Request) -> Response:
        """Begins a new execution from one of its tasks."""
        caller = self._caller_of_work(request)
        control, execution_id = self._services.control, execution_id_of(request)
        body = _parse(await read_body(request), _Fork)
        with _refusing(execution_id):
            origin = await control.look_at(caller.tenant, execution_id)
            if origin is None:
                raise errors.not_found("execution")
            actor = caller.principal.key_id
            new_id = await control.fork(
                caller.tenant, origin, [body.task], actor, value=body.input, inputs=body.inputs
            )
        return accepted_answer(ExecutionStatus.SUBMITTED, new_id, _base(caller), {"Execution-Id": new_id})

    async def get_state(self, request: Request) -> Response:
        """The execution as it was at an instant, rebuilt from its events; nothing is called."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        execution_id = execution_id_of(request)
        at = parse_instant("at", request.query_params.get("at"))
        with _refusing(execution_id):
            found = await self._services.control.look_at(
                caller.tenant, execution_id, None if at is None else at.timestamp()
            )
        if found is None:
            raise errors.not_found("execution")
        return await asyncio.to_thread(lambda: json_answer(snapshot(found.state)))

    async def _act(self, request: Request, act: Act) -> Response:
        caller = self._caller(request, Permission.EXECUTE)
        execution_id = execution_id_of(request)
        with _refusing(execution_id):
            status = await act(caller.tenant, execution_id, caller.principal.key_id)
        if status is None:
            raise errors.not_found("execution")
        location = f"{_base(caller)}/executions/{execution_id}"
        settled = status in ENDED or status is ExecutionStatus.PAUSED
        return json_answer(
            {"id": execution_id, "status": status, "links": {"self": location}},
            status=HTTPStatus.OK if settled else HTTPStatus.ACCEPTED,
            headers={"Location": location},
        )

    def _caller_of_work(self, request: Request) -> Caller:
        """Who wants something to run here, while this executor takes on more."""
        caller = self._caller(request, Permission.EXECUTE)
        self._services.refuse_while_draining()
        return caller

    def _caller(self, request: Request, permission: Permission) -> Caller:
        return admit_caller(self._services.registry, request, self._services.clock, permission)


def _base(caller: Caller) -> str:
    return f"/tenants/{caller.tenant.name}/api/v1"


def _parse(data: bytes, kind: type[StructT]) -> StructT:
    """The body as one of ours; an empty one is an empty object."""
    try:
        return msgspec.convert(parse_body(data), kind)
    except msgspec.ValidationError as error:
        raise errors.bad_body(str(error)) from None


@contextmanager
def _refusing(execution_id: str) -> Iterator[None]:
    """Says of what control refuses how it is answered."""
    try:
        yield
    except NotPossibleError as error:
        title = "Not possible now"
        raise errors.conflict(f"execution-{error.status}", title, str(error), execution_id) from None
    except UnknownOutcomeError as error:
        title = "The outcome is not known"
        raise errors.conflict("outcome-unknown", title, str(error), execution_id) from None
    except (UnknownTaskError, StaleReuseError) as error:
        raise errors.bad_body(str(error)) from None
    except InvalidInputError as error:
        raise errors.invalid_input(error.violations) from None
    except OverLimitError as error:
        raise errors.rate_limited(error.violated, {"Retry-After": str(errors.RETRY_AFTER_SECONDS)}) from None
    except NotDurableError as error:
        raise errors.unavailable("journal-unavailable", str(error), error.execution_id) from None
    except TraceGoneError:
        raise errors.trace_gone(execution_id) from None
    except (PlanGoneError, JournalDamagedError) as error:
        _LOG.error("execution %s: %s", execution_id, error)
        raise errors.trace_gone(execution_id) from None
