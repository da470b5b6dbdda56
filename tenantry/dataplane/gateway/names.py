"""What a path calls a workflow: `/workflows/{name}`, or `/namespaces/{namespace}/workflows/{name}`.

Where a version may be chosen, the name may be `name@selector`: a number, a label or a hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.dataplane.gateway import errors

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.dataplane.bundles.tenant import ServedTenant


def workflow_name(request: Request) -> str:
    """The workflow's name in its tenant: `name`, or `namespace/name`.

    Raises:
        RefusedError: the path chooses a version, which makes no sense here.
    """
    name, selector = chosen_workflow(request)
    if selector:
        raise errors.not_found("workflow")
    return name


def chosen_workflow(request: Request) -> tuple[str, str]:
    """The workflow's name in its tenant, and which version is chosen; nothing for the current one.

    Raises:
        RefusedError: the path chooses nothing behind its `@`.
    """
    name, at, selector = str(request.path_params["name"]).partition("@")
    if at and not selector:
        raise errors.not_found("workflow")
    return namespace_prefix(request) + name, selector


def unknown_workflow(tenant: ServedTenant, name: str) -> errors.RefusedError:
    """There is no such workflow, or no such version of it."""
    exists = tenant.definition("Workflow", name) is not None
    return errors.not_found("version of the workflow" if exists else "workflow")


def namespace_prefix(request: Request) -> str:
    """What the names of all workflows begin with that the path may mean."""
    namespace = request.path_params.get("namespace")
    return f"{namespace}/" if namespace else ""
