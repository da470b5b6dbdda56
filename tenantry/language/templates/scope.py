"""The scope: what templates and conditions may read while a workflow runs, and the functions that read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from tenantry.language.values import Json


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


Evaluator: TypeAlias = Callable[[Scope], Json]
"""Gives the value of a compiled template; raises `TemplateError`."""

TextEvaluator: TypeAlias = Callable[[Scope], str]
"""Gives the text of a compiled template, encoded for the place it stands in; raises `TemplateError`."""

Predicate: TypeAlias = Callable[[Scope], bool]
"""Gives the truth of a compiled condition; raises `TemplateError`."""
