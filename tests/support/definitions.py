"""Tasks and workflows as models, made from their specs without the text in between."""

from __future__ import annotations

from typing import Any

from tenantry.language.documents.model import Workflow, WorkflowTask


def _document(kind: str, name: str, spec: dict[str, Any], labels: dict[str, str] | None) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "workflow.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def make_task(name: str, spec: dict[str, Any]) -> WorkflowTask:
    """A task definition."""
    return WorkflowTask.model_validate(_document("WorkflowTask", name, spec, None))


def make_workflow(name: str, spec: dict[str, Any], labels: dict[str, str] | None = None) -> Workflow:
    """A workflow definition."""
    return Workflow.model_validate(_document("Workflow", name, spec, labels))
