"""The scope: what templates and conditions may read while a workflow runs, and the functions that read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from tenantry.language.templates.roots import INDEX, PARENT, ROOT
from tenantry.language.values import Json


class Layer(dict[str, Any]):
    """What a little graph adds to the results around it: found here, or else in the layer outside."""

    __slots__ = ("outer",)

    outer: dict[str, Any]

    @classmethod
    def over(cls, outer: dict[str, Any]) -> Layer:
        """An empty layer over another."""
        layer = cls()  # without __init__ on the way: loops make three of these for every item
        layer.outer = outer
        return layer

    def __missing__(self, key: str) -> Any:
        return self.outer[key]


class Scope(msgspec.Struct):
    """The values a template may name: of an execution, nested tasks, an item, a sub-workflow, a request.

    Mutable on purpose: the engine adds outputs as tasks complete instead of copying on every event.

    Attributes:
        input: the workflow's input; inside a task's own request, the task's input.
        outputs: output by task id; a skipped task has `None`.
        statuses: status by task id, such as `completed` or `skipped`.
        loops: what became of the items of a `forEach`, by task id: an object of `roots.RESULTS`.
        items: the item of each loop around, by its name, with `index`, `$parent` and `$root`.
        workflow_name: `{{workflow.name}}`.
        execution_id: `{{execution.id}}`.
        tenant_name: `{{tenant.name}}`.
        secrets: `{{secrets.NAME}}`, resolved at execution time.
    """

    input: Json
    outputs: dict[str, Json] = {}
    statuses: dict[str, str] = {}
    loops: dict[str, dict[str, Json]] = {}
    items: dict[str, Any] = {}
    workflow_name: str = ""
    execution_id: str = ""
    tenant_name: str = ""
    secrets: Mapping[str, str] = {}

    def nested(self) -> Scope:
        """The scope of nested tasks: they read what is around them, and nobody outside reads theirs."""
        return Scope(
            self.input,
            Layer.over(self.outputs),
            Layer.over(self.statuses),
            Layer.over(self.loops),
            self.items,
            self.workflow_name,
            self.execution_id,
            self.tenant_name,
            self.secrets,
        )

    def of_item(self, name: str, item: Json, index: int) -> Scope:
        """The scope of one item of a loop; the items of the loops around keep their names."""
        around = self.items
        items = {**around, name: item, INDEX: index}
        if around:
            items[PARENT] = around
            items.setdefault(ROOT, around)
        return Scope(
            self.input,
            self.outputs,
            self.statuses,
            self.loops,
            items,
            self.workflow_name,
            self.execution_id,
            self.tenant_name,
            self.secrets,
        )

    def of_child(self, value: Json, workflow_name: str) -> Scope:
        """The scope of a sub-workflow: it sees its own input and nothing of its parent's."""
        return Scope(
            input=value,
            outputs={},
            statuses={},
            loops={},
            workflow_name=workflow_name,
            execution_id=self.execution_id,
            tenant_name=self.tenant_name,
            secrets=self.secrets,
        )


Evaluator: TypeAlias = Callable[[Scope], Json]
"""Gives the value of a compiled template; raises `TemplateError`."""

TextEvaluator: TypeAlias = Callable[[Scope], str]
"""Gives the text of a compiled template, encoded for the place it stands in; raises `TemplateError`."""

Predicate: TypeAlias = Callable[[Scope], bool]
"""Gives the truth of a compiled condition; raises `TemplateError`."""
