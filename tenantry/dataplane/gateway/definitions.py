"""Definitions as callers see them: workflows with their input schema, tasks with both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.names import (
    chosen_workflow,
    namespace_prefix,
    unknown_workflow,
    workflow_name,
)
from tenantry.dataplane.gateway.openapi import describe
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.gateway.services import Services
    from tenantry.protocol.bundles import BundledDefinition


class DefinitionEndpoints:
    """What is defined: workflows, their versions, tasks, and all of it as OpenAPI documents."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_workflows(self, request: Request) -> Response:
        """The tenant's workflows, or those of a namespace, by name."""
        workflows, prefix = self._tenant(request).workflows(), namespace_prefix(request)
        lines = [_workflow_line(item) for item in workflows if item.name.startswith(prefix)]
        return json_answer({"workflows": lines})

    async def get_workflow(self, request: Request) -> Response:
        """One workflow, in the version chosen, with its document."""
        tenant = self._tenant(request)
        name, selector = chosen_workflow(request)
        definition = tenant.contents.chosen(name, selector)
        if definition is None:
            raise unknown_workflow(tenant, name)
        return _whole(definition)

    async def describe_workflow(self, request: Request) -> Response:
        """One workflow, in the version chosen, as an OpenAPI document."""
        tenant = self._tenant(request)
        name, selector = chosen_workflow(request)
        definition = tenant.contents.chosen(name, selector)
        if definition is None:
            raise unknown_workflow(tenant, name)
        return json_answer(await asyncio.to_thread(describe, tenant.name, [definition], selector))

    async def describe_workflows(self, request: Request) -> Response:
        """All of the tenant's workflows as one OpenAPI document."""
        tenant = self._tenant(request)
        return json_answer(await asyncio.to_thread(describe, tenant.name, tenant.workflows()))

    async def list_versions(self, request: Request) -> Response:
        """The versions of a workflow that can be called here, the newest first, with their labels."""
        contents, name = self._tenant(request).contents, workflow_name(request)
        current = contents.current("Workflow", name)
        if current is None:
            raise errors.not_found("workflow")
        labels = contents.labels(name)
        lines = [
            {
                "version": item.version,
                "digest": item.digest,
                "current": item.version == current.version,
                "labels": [label for label, version in labels.items() if version == item.version],
            }
            for item in contents.versions(name)
        ]
        return json_answer({"name": name, "versions": lines})

    async def list_tasks(self, request: Request) -> Response:
        """The tenant's tasks, by name."""
        tenant = self._tenant(request)
        return json_answer({"tasks": [_task_line(item) for item in tenant.tasks()]})

    async def get_task(self, request: Request) -> Response:
        """One task with its document."""
        definition = self._tenant(request).definition("WorkflowTask", request.path_params["name"])
        if definition is None:
            raise errors.not_found("task")
        return _whole(definition)

    def _tenant(self, request: Request) -> ServedTenant:
        services = self._services
        return admit_caller(services.registry, request, services.clock, Permission.READ_DEFINITIONS).tenant


def _whole(definition: BundledDefinition) -> Response:
    return json_answer({**_line(definition), "definition": definition.document})


def _line(definition: BundledDefinition) -> dict[str, Any]:
    return {"name": definition.name, "version": definition.version, "digest": definition.digest}


def _workflow_line(definition: BundledDefinition) -> dict[str, Any]:
    spec = definition.document["spec"]
    return {**_line(definition), "description": spec.get("description", ""), "input": spec.get("input")}


def _task_line(definition: BundledDefinition) -> dict[str, Any]:
    return {**_line(definition), "type": definition.document["spec"]["type"]}
