"""Definitions as callers see them: workflows with their input schema, tasks with both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.names import namespace_prefix, workflow_name
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.gateway.services import Services
    from tenantry.protocol.bundles import BundledDefinition


class DefinitionEndpoints:
    """`GET /workflows`, `/workflows/{name}`, `/tasks`, `/tasks/{name}`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_workflows(self, request: Request) -> Response:
        """The tenant's workflows, or those of a namespace, by name."""
        workflows, prefix = self._tenant(request).workflows(), namespace_prefix(request)
        lines = [_workflow_line(item) for item in workflows if item.name.startswith(prefix)]
        return json_answer({"workflows": lines})

    async def get_workflow(self, request: Request) -> Response:
        """One workflow with its document."""
        return self._one(request, "Workflow", workflow_name(request))

    async def list_tasks(self, request: Request) -> Response:
        """The tenant's tasks, by name."""
        tenant = self._tenant(request)
        return json_answer({"tasks": [_task_line(item) for item in tenant.tasks()]})

    async def get_task(self, request: Request) -> Response:
        """One task with its document."""
        return self._one(request, "WorkflowTask", request.path_params["name"])

    def _one(self, request: Request, kind: str, name: str) -> Response:
        definition = self._tenant(request).definition(kind, name)
        if definition is None:
            raise errors.not_found("workflow" if kind == "Workflow" else "task")
        return json_answer({**_line(definition), "definition": definition.document})

    def _tenant(self, request: Request) -> ServedTenant:
        services = self._services
        return admit_caller(services.registry, request, services.clock, Permission.READ_DEFINITIONS).tenant


def _line(definition: BundledDefinition) -> dict[str, Any]:
    return {"name": definition.name, "version": definition.version, "digest": definition.digest}


def _workflow_line(definition: BundledDefinition) -> dict[str, Any]:
    spec = definition.document["spec"]
    return {**_line(definition), "description": spec.get("description", ""), "input": spec.get("input")}


def _task_line(definition: BundledDefinition) -> dict[str, Any]:
    return {**_line(definition), "type": definition.document["spec"]["type"]}
