"""What an action takes and gives: a task, a workflow, a switch, nested tasks, for once or for each item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tenantry.language.codes import Code
from tenantry.language.schemas.checking import check
from tenantry.language.schemas.structure import inline
from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.validation.bindings import Binding
from tenantry.language.validation.inference import infer, object_schema
from tenantry.language.validation.kinds import bounded, union
from tenantry.language.validation.loops import enter_loop, outputs_of
from tenantry.language.validation.readable import output_schema
from tenantry.language.validation.switches import Branches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import Action, Switch, WorkflowTask
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.library import Library
    from tenantry.language.validation.readable import Output
    from tenantry.language.validation.references import References
    from tenantry.language.validation.subworkflows import Subworkflows
    from tenantry.language.values import Json


class Given(NamedTuple):
    """The input of an action as it is written, and its JSON pointer."""

    value: Json
    pointer: str


@dataclass(frozen=True, slots=True)
class Actions:
    """Follows what flows through the actions of one workflow.

    Attributes:
        library: the tasks there are.
        subworkflows: the workflows there are.
        report: takes what is wrong.
        walk: follows the steps of a graph, by its pointer.
        outputs: what the steps give that have been followed.
        bindings: takes every input, with what takes it.
    """

    library: Library
    subworkflows: Subworkflows
    report: Report
    walk: Callable[[str, References], None]
    outputs: dict[str, Output]
    bindings: list[Binding]

    def follow(self, action: Action, pointer: str, references: References, inherited: Given) -> Any:
        """The schema of what an action inside a step gives; without an input it takes that of the step."""
        given = Given(action.input, f"{pointer}/input") if _has_input(action) else inherited
        if action.for_each is None:
            return self.follow_once(action, pointer, references, given)
        depth = self.library.max_loop_depth
        inside = enter_loop(action.for_each, f"{pointer}/forEach", references, depth)
        return outputs_of(self.follow_once(action, pointer, inside, given), action.for_each)

    def follow_once(self, action: Action, pointer: str, references: References, given: Given) -> Any:
        """The schema of what an action gives, apart from its loop."""
        if action.task_ref is not None:
            return self.call(action.task_ref, f"{pointer}/taskRef", references, given)
        if action.workflow_ref is not None:
            return self._run(action.workflow_ref, f"{pointer}/workflowRef", references, given)
        if action.switch is not None:
            return self._switch(action.switch, f"{pointer}/switch", references, given)
        if action.tasks is not None:
            return self._nested(action, pointer, references)
        return UNTYPED

    def call(self, name: str, pointer: str, references: References, given: Given) -> Any:
        """The schema of what a task gives for an input."""
        schema = infer(given.value, given.pointer, references)
        task = self._find_task(name, pointer)
        if task is None:
            return UNTYPED
        if task.spec.input_schema is not None:
            self.bindings.append(Binding(name, given.value, schema, task.spec.input_schema, given.pointer))
        return output_schema(task)

    def _find_task(self, name: str, pointer: str) -> WorkflowTask | None:
        library = self.library
        if not library.is_allowed(name):
            message = f'the tenant may not use the task "{name}"'
            hint = "see allowedTaskRefs of the tenant"
            self.report.add(Code.TASK_NOT_ALLOWED, message, pointer, suggestion=hint)
        elif name not in library.tasks:
            known = filter(library.is_allowed, library.tasks)
            self.report.add(Code.UNKNOWN_TASK, f'there is no task "{name}"', pointer, meant=(name, known))
        return library.tasks.get(name)

    def _run(self, reference: str, pointer: str, references: References, given: Given) -> Any:
        schema = infer(given.value, given.pointer, references)
        child = self.subworkflows.find(reference, pointer, self.report)
        if child is None:
            return UNTYPED
        if child.spec.input is not None and not check(child.spec.input):
            name = f"the workflow {reference}"
            self.bindings.append(Binding(name, given.value, schema, child.spec.input, given.pointer))
        return self.subworkflows.output_of(reference)

    def _switch(self, switch: Switch, pointer: str, references: References, given: Given) -> Any:
        branches = Branches(switch, pointer, references)
        branches.check()
        gives = [
            self.follow(case, f"{pointer}/cases/{index}", branches.of_case(case), given)
            for index, case in enumerate(switch.cases)
        ]
        if switch.default is not None:
            gives.append(self.follow(switch.default, f"{pointer}/default", branches.of_default(), given))
        return union(gives)

    def _nested(self, action: Action, pointer: str, references: References) -> Any:
        graph = f"{pointer}/tasks"
        inside = references.at(references.readable.inside(graph))
        self.walk(graph, inside)
        if "output" in action.model_fields_set:
            return infer(action.output, f"{pointer}/output", inside)
        given = {step.id: self.outputs.get(step.id) for step in action.tasks or ()}
        wholes = {name: UNTYPED if output is None else output.whole for name, output in given.items()}
        return bounded(object_schema({name: inline(schema, schema) for name, schema in wholes.items()}))


def _has_input(action: Action) -> bool:
    return "input" in action.model_fields_set
