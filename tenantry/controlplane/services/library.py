"""The library that documents are judged against: what a tenant has, and what is being applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tenantry.controlplane.services.uses import TASK, WORKFLOW
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.validation import Library
from tenantry.tenants.isolation import compile_task_ref_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.controlplane.services.stored import Stored
    from tenantry.tenants.spec import TenantSpec

ModelT = TypeVar("ModelT", Workflow, WorkflowTask)

_METADATA: Final = {"apiVersion": "workflow.io/v1", "metadata": {"name": "stand-in"}}

# These take and give anything, so that what is wrong with a document is told once and not at its uses.
TASK_STAND_IN: Final = WorkflowTask.model_validate(
    _METADATA | {"kind": TASK, "spec": {"type": "transform", "value": {}}}
)
WORKFLOW_STAND_IN: Final = Workflow.model_validate(
    _METADATA
    | {"kind": WORKFLOW, "spec": {"tasks": [{"id": "any", "taskRef": "any"}], "output": "{{input}}"}}
)


def make_library(
    stored: Stored,
    spec: TenantSpec,
    *,
    tasks: Mapping[str, WorkflowTask] | None = None,
    workflows: Mapping[str, Workflow] | None = None,
) -> Library:
    """What a workflow of the tenant may refer to, under its spec.

    Args:
        stored: what the tenant has.
        spec: of the tenant.
        tasks: those that take the place of stored ones, by name.
        workflows: likewise, by their name in the tenant.
    """
    current: dict[str, dict[str, dict[str, Any]]] = {TASK: {}, WORKFLOW: {}}
    for (kind, name), row in stored.current.items():
        current[kind][name] = row.document
    pinned = {reference: row.document for reference, row in stored.pinned.items()}
    return Library(
        tasks=_Models(WorkflowTask, current[TASK], tasks or {}),
        workflows=_Models(Workflow, current[WORKFLOW] | pinned, workflows or {}),
        is_allowed=compile_task_ref_policy(spec.allowed_task_refs).allows,
        max_loop_depth=spec.quotas.max_loop_depth,
    )


class _Models(Mapping[str, ModelT]):
    """Documents by name, each read when it is first asked for: most are not."""

    def __init__(
        self, model: type[ModelT], documents: Mapping[str, dict[str, Any]], models: Mapping[str, ModelT]
    ) -> None:
        self._model: type[ModelT] = model
        self._documents: dict[str, dict[str, Any] | ModelT] = {**documents, **models}
        self._models: dict[str, ModelT] = dict(models)

    def __getitem__(self, name: str) -> ModelT:
        if name not in self._models:
            read: ModelT = self._model.model_validate(self._documents[name])
            self._models[name] = read
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)
