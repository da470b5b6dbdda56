"""Whether a workflow may deploy: its graph, its templates, and what flows between its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from tenantry.language.codes import Code
from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import Workflow
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.graph.graph import Graph, draw
from tenantry.language.validation.amount import check_amount
from tenantry.language.validation.bindings import check_binding
from tenantry.language.validation.conditions import check_condition
from tenantry.language.validation.inference import infer
from tenantry.language.validation.readable import ANYTHING, Output, Readable, output_schema
from tenantry.language.validation.references import References
from tenantry.language.validation.schemas import check_schema

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.documents.model import Step
    from tenantry.language.findings import Finding
    from tenantry.language.validation.library import Library

Because: TypeAlias = tuple[str, int | None]
"""What makes one step wait for another: a JSON pointer, and an offset when it is a template."""

_ROOTS: Final = frozenset(("input", "tasks", "workflow", "execution", "tenant"))


def validate_workflow(document: Document, library: Library) -> tuple[Workflow | None, tuple[Finding, ...]]:
    """Judges a workflow against the library of its tenant.

    Args:
        document: of kind `Workflow`.
        library: what the workflow may refer to.

    Returns:
        The workflow when nothing refuses it, and all findings in the order of the text, warnings included.
    """
    workflow, findings = read(document, Workflow)
    report = Report(document, findings)
    if (
        check_amount(document, report)
        and (readable := workflow or mend(document, Workflow, report)) is not None
    ):
        _Check(readable, library, report).run()
    return (None if report.has_errors else workflow), report.findings()


class _Check:
    """One workflow being judged. Steps are looked at in the order of the document."""

    def __init__(self, workflow: Workflow, library: Library, report: Report) -> None:
        self._spec = workflow.spec
        self._tasks = library.tasks
        self._is_allowed = library.is_allowed
        self._report = report
        usable = check_schema(workflow.spec.input, "/spec/input", report)
        given = (workflow.spec.input if usable else None) or ANYTHING
        self._readable = Readable(roots=_ROOTS, input=given, steps=self._outputs())

    def run(self) -> None:
        waits: dict[str, dict[str, Because]] = {}
        for index, step in enumerate(self._spec.tasks):
            pointer = f"/spec/tasks/{index}"
            if step.id in waits:
                self._duplicate(step, pointer)
            self._check_task(step, pointer)
            references = self._check_templates(step, pointer)
            waits.setdefault(step.id, self._waits_for(step, pointer, references))
        self._check_cycles(waits)
        infer(self._spec.output, "/spec/output", References(self._readable, self._report))

    def _outputs(self) -> dict[str, Output]:
        return {
            step.id: Output(
                output_schema(self._tasks[step.task_ref or ""]) if step.task_ref in self._tasks else ANYTHING,
                skippable=step.condition is not None,
            )
            for step in reversed(self._spec.tasks)  # of two steps with one id, the first counts
        }

    def _duplicate(self, step: Step, pointer: str) -> None:
        message = f'another step is called "{step.id}"'
        self._report.add(Code.DUPLICATE_STEP, message, f"{pointer}/id", suggestion="give it an id of its own")

    def _check_task(self, step: Step, pointer: str) -> None:
        if step.task_ref is None:
            return
        if not self._is_allowed(step.task_ref):
            message = f'the tenant may not use the task "{step.task_ref}"'
            hint = "see allowedTaskRefs of the tenant"
            self._report.add(Code.TASK_NOT_ALLOWED, message, f"{pointer}/taskRef", suggestion=hint)
        elif step.task_ref not in self._tasks:
            self._report.add(
                Code.UNKNOWN_TASK,
                f'there is no task "{step.task_ref}"',
                f"{pointer}/taskRef",
                meant=(step.task_ref, filter(self._is_allowed, self._tasks)),
            )

    def _check_templates(self, step: Step, pointer: str) -> References:
        references = References(self._readable, self._report)
        ready = step.condition is not None
        given = infer(step.input, f"{pointer}/input", references, ready_for_null=ready)
        task = self._tasks.get(step.task_ref or "")
        if task is not None and task.spec.input_schema is not None:
            check_binding(
                task=task.name,
                value=step.input,
                given=given,
                taken=task.spec.input_schema,
                pointer=f"{pointer}/input",
                report=self._report,
            )
        if step.condition is not None:
            check_condition(step.condition.if_, f"{pointer}/condition/if", references)
        return references

    def _waits_for(self, step: Step, pointer: str, references: References) -> dict[str, Because]:
        """The steps a step waits for, each with the place that says so."""
        waits: dict[str, Because] = {}
        for index, other in enumerate(step.depends_on):
            place = f"{pointer}/dependsOn/{index}"
            waits.setdefault(other, (place, None))
            if other not in self._readable.steps:
                message = f'{step.id} depends on "{other}", which does not exist'
                known = self._readable.steps
                self._report.add(Code.UNKNOWN_DEPENDENCY, message, place, meant=(other, known))
        for place, reference in references.found:
            if reference.root == "tasks":
                waits.setdefault(str(reference.path[0]), (place, reference.offset))
        return waits

    def _check_cycles(self, waits: dict[str, dict[str, Because]]) -> None:
        for cycle in Graph.of(waits).cycles():
            first, last = cycle[0], cycle[-2]
            place, offset = waits[first][last]
            what = "waits for itself" if first == last else "waits for its own result"
            self._report.add(
                Code.CYCLE,
                f"{first} {what}: {draw(cycle)}",
                place,
                offset=offset,
                suggestion="take out one of these dependencies",
            )
