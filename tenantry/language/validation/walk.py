"""Follows what flows through a workflow, step by step: what each reads, what it gives, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.documents.document import Document
from tenantry.language.documents.report import Report
from tenantry.language.graph.dependencies import reads_item
from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.templates.conditions import Condition
from tenantry.language.validation.actions import Actions, Given
from tenantry.language.validation.conditions import check_condition
from tenantry.language.validation.effort import check_key
from tenantry.language.validation.facts import facts_when
from tenantry.language.validation.graphs import check_graphs
from tenantry.language.validation.inference import infer
from tenantry.language.validation.kinds import union
from tenantry.language.validation.loops import enter_loop, outputs_of, results_of
from tenantry.language.validation.memory import Result
from tenantry.language.validation.readable import Output, Readable, Steps
from tenantry.language.validation.references import References
from tenantry.language.validation.schemas import check_schema
from tenantry.language.validation.subworkflows import Subworkflows
from tenantry.language.validation.texts import Texts
from tenantry.language.validation.tree import Tree, actions_in

if TYPE_CHECKING:
    from tenantry.language.documents.model import Compensation, Fallback, ForEach, Step, Workflow
    from tenantry.language.validation.bindings import Binding
    from tenantry.language.validation.library import Library
    from tenantry.language.validation.tree import Node

_ROOTS: Final = frozenset(("input", "tasks", "forEach", "workflow", "execution", "tenant"))
_TOP: Final = "/spec/tasks"


class Walk:
    """One workflow being followed.

    Attributes:
        tree: its steps.
        texts: what its texts say.
        bindings: every input with what takes it, to be compared.
    """

    def __init__(self, workflow: Workflow, library: Library, report: Report) -> None:
        """Nothing is followed yet.

        Args:
            workflow: the workflow.
            library: what it may refer to.
            report: takes what is wrong.
        """
        self.texts = Texts()
        self.tree = tree = Tree(workflow.spec.tasks, self.texts)
        self._workflow = workflow
        self._library = library
        self._report = report
        self._orders = check_graphs(tree, report)
        self._steps = Steps({name: node.graph for name, node in tree.by_id.items()}, {})
        self.bindings: list[Binding] = []
        self._subworkflows = Subworkflows(workflow, library, lambda child: _infer(child, library))
        self._actions = Actions(
            library, self._subworkflows, report, self._walk, self._steps.outputs, self.bindings
        )

    @property
    def can_run(self) -> bool:
        """Whether no steps wait for each other, and all workflows can run that it runs."""
        return len(self._orders) == len(self.tree.graphs) and self._subworkflows.can_run

    def run(self, given: Any) -> References:
        """Follows all steps.

        Args:
            given: the schema of the workflow's input.

        Returns:
            What follows references once all steps have ended.
        """
        readable = Readable(
            roots=_ROOTS,
            input=given,
            workflow={"const": self._workflow.name},
            steps=self._steps,
            graphs=frozenset((_TOP,)),
        )
        references = References(readable, self._report, self.texts, self._library.memory.comparisons())
        self._walk(_TOP, references)
        return references

    def _walk(self, graph: str, around: References) -> None:
        for node in self._orders.get(graph, self.tree.graphs[graph]):
            self._step(node, around)

    def _step(self, node: Node, around: References) -> None:
        step, pointer = node.step, node.pointer
        given = Given(step.input, f"{pointer}/input")
        inside, otherwise, failed, filters = self._enter(step, pointer, around)
        done = self._actions.follow_once(step, pointer, inside, given)
        if step.fallback is not None:
            done = union([done, self._fallback(step.fallback, f"{pointer}/fallback", failed, given)])
        instead = None
        if step.condition is not None and step.condition.else_ is not None:
            place = f"{pointer}/condition/else"
            instead = self._actions.follow(step.condition.else_, place, otherwise, given)
        if self.tree.by_id[step.id] is not node:
            return  # its id means another step
        if step.compensate is not None:
            self._steps.outputs[step.id] = Output(schema=done)
            self._compensation(node, step.compensate, inside)
        self._steps.outputs[step.id] = _output(step, done, instead, filters=filters)
        if step.cache is not None and step.cache.key is not None:
            self._key(step, step.cache.key, pointer)

    def _enter(
        self, step: Step, pointer: str, around: References
    ) -> tuple[References, References, References, bool]:
        """What follows references in the body of a step, its `else` and fallback; whether items are filtered.

        A fallback stands in for the `else` as well, where both are done once or both for each item: then
        nothing is known of how the condition was decided.
        """
        loop, place, depth = step.for_each, f"{pointer}/forEach", self._library.max_loop_depth
        filters = loop is not None and self._filters(step, loop)
        if loop is not None and filters:
            around = enter_loop(loop, place, around, depth)
        inside, otherwise = self._decide(step, pointer, around)
        if loop is not None and not filters:
            inside = enter_loop(loop, place, inside, depth)
            return inside, otherwise, inside, filters
        has_else = step.condition is not None and step.condition.else_ is not None
        return inside, otherwise, (around if has_else else inside), filters

    def _filters(self, step: Step, loop: ForEach) -> bool:
        condition = None if step.condition is None else self.texts.condition(step.condition.if_)
        return isinstance(condition, Condition) and reads_item(condition, loop)

    def _decide(self, step: Step, pointer: str, around: References) -> tuple[References, References]:
        """What follows references where the condition of a step is true, and where it is false."""
        if step.condition is None:
            return around, around
        condition = check_condition(step.condition.if_, f"{pointer}/condition/if", around)
        if condition is None:
            return around, around
        expression = condition.expression
        return (
            around.knowing(facts_when(expression, truth=True)),
            around.knowing(facts_when(expression, truth=False)),
        )

    def _fallback(self, fallback: Fallback, pointer: str, references: References, inherited: Given) -> Any:
        written = fallback.model_fields_set
        value = infer(fallback.value, f"{pointer}/value", references) if "value" in written else UNTYPED
        if fallback.task_ref is None:
            return value
        given = Given(fallback.input, f"{pointer}/input") if "input" in written else inherited
        output = self._actions.call(fallback.task_ref, f"{pointer}/taskRef", references, given)
        return UNTYPED if "value" in written else output  # one of them is too much, and that is told

    def _compensation(self, node: Node, compensation: Compensation, references: References) -> None:
        """A compensation may run whenever its step has ended, so it reads only what has ended by then."""
        pointer = f"{node.pointer}/compensate"
        given = Given(compensation.input, f"{pointer}/input")
        for place, reference in self.texts.references(*given):
            if reference.root == "tasks" and self._may_be_open(str(reference.path[0]), node):
                name = reference.path[0]
                message = f"tasks.{name} may not have ended when {node.step.id} is undone"
                hint = f"let {node.step.id} depend on it"
                self._report.add(
                    Code.NOT_READABLE_HERE, message, place, offset=reference.offset, suggestion=hint
                )
        self._actions.call(compensation.task_ref, f"{pointer}/taskRef", references, given)

    def _may_be_open(self, name: str, node: Node) -> bool:
        other = self.tree.by_id.get(name)
        in_reach = other is not None and other.graph in {_TOP, *(one.graph for one in (node, *node.around))}
        return in_reach and other is not node and name not in self.tree.waited_for(node)

    def _key(self, step: Step, key: str, pointer: str) -> None:
        for _, action in actions_in(step, pointer):
            task = self._library.tasks.get(action.task_ref or "")
            if task is not None and task.spec.input_schema is not None:
                takes = task.spec.input_schema
                check_key(key, f"{pointer}/cache/key", takes, self._report, self.texts)


def _output(step: Step, done: Any, instead: Any, *, filters: bool) -> Output:
    """What is known of a step's output.

    Args:
        step: the step.
        done: schema of what its body gives, once or for each item.
        instead: schema of what its `else` gives, if it has one.
        filters: its condition is asked for each item.
    """
    loop, schema, results = step.for_each, done, None
    alternatives = [] if instead is None else [instead]
    if loop is not None:
        item = union([done, *alternatives]) if filters else done
        schema, results = outputs_of(item, loop), results_of(item, loop)
    if not filters:
        schema = union([schema, *alternatives])
    return Output(
        schema=schema,
        skippable=step.condition is not None and instead is None and not filters,
        optional=step.optional,
        results=results,
    )


def infer_output(workflow: Workflow, library: Library) -> Any:
    """The schema of what a workflow gives; what is wrong with it is told when it is judged itself.

    Args:
        workflow: from the library.
        library: what it may refer to.
    """
    return _infer(workflow, library).schema


def _infer(workflow: Workflow, library: Library) -> Result:
    unread = Report(Document(kind="Workflow", name=workflow.name, raw={}))
    walk = Walk(workflow, library, unread)
    usable = check_schema(workflow.spec.input, "/spec/input", unread)
    references = walk.run(workflow.spec.input if usable and workflow.spec.input is not None else UNTYPED)
    output = infer(workflow.spec.output, "/spec/output", references)
    return Result(output, walk.can_run and not unread.has_errors)
