"""What a path calls a workflow: `/workflows/{name}`, or `/namespaces/{namespace}/workflows/{name}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request


def workflow_name(request: Request) -> str:
    """The workflow's name in its tenant: `name`, or `namespace/name`."""
    return namespace_prefix(request) + str(request.path_params["name"])


def namespace_prefix(request: Request) -> str:
    """What the names of all workflows begin with that the path may mean."""
    namespace = request.path_params.get("namespace")
    return f"{namespace}/" if namespace else ""
