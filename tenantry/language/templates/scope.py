"""The scope: what templates and conditions may read while a workflow runs."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (msgspec resolves the annotation at run time)

import msgspec

from tenantry.language.values import Json  # noqa: TC001  (as above)


class Scope(msgspec.Struct):
    """The values a template may name; one per execution, and one per task for its request.

    Mutable on purpose: the engine adds outputs as tasks complete instead of copying on every event.

    Attributes:
        input: the workflow's input; inside a task's own request, the task's input.
        outputs: output by task id; a skipped task has `None`.
        statuses: status by task id, such as `completed` or `skipped`.
        workflow_name: `{{workflow.name}}`.
        execution_id: `{{execution.id}}`.
        tenant_name: `{{tenant.name}}`.
        secrets: `{{secrets.NAME}}`, resolved at execution time.
    """

    input: Json
    outputs: dict[str, Json] = {}
    statuses: dict[str, str] = {}
    workflow_name: str = ""
    execution_id: str = ""
    tenant_name: str = ""
    secrets: Mapping[str, str] = {}
