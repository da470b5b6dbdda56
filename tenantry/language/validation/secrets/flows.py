"""What becomes of secrets inside a workflow: which outputs of steps hold one, and where in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.documents.model import TransformTaskSpec
from tenantry.language.graph.graph import Graph
from tenantry.language.validation.secrets.taints import NOTHING, Taint, taint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tenantry.language.documents.model import Action, SecretUse, Step, WorkflowTask
    from tenantry.language.templates.model import Reference
    from tenantry.language.validation.texts import Texts
    from tenantry.language.values import Json


class SecretFlows:
    """The taints of the outputs of a workflow's steps. What an upstream answers has none: it is masked."""

    def __init__(
        self, tasks: Mapping[str, WorkflowTask], texts: Texts, waits: Callable[[Step], Iterable[str]]
    ) -> None:
        self._tasks = tasks
        self._texts = texts
        self._waits = waits
        self._outputs: dict[str, Taint] = {}
        self._items: dict[str, Taint] = {}
        self._known: dict[tuple[int, str], Taint] = {}

    def follow(self, steps: tuple[Step, ...]) -> None:
        """Finds the taints of the outputs of all steps of a graph, and of those inside of them."""
        by_id = {step.id: step for step in steps}
        for name in self._order(steps):
            self._follow_step(by_id[name])

    def taint(self, value: Json, step: Step) -> Taint:
        """The taint of a value that a step makes of templates. A value of the workflow is worked out once."""
        key = (id(value), step.id)
        if key not in self._known:
            self._known[key] = taint_of(value, self._texts, lambda reference: self.read(reference, step))
        return self._known[key]

    def read(self, reference: Reference, step: Step | None) -> Taint:
        """The taint of what a reference gives to a step; what it does not declare is told elsewhere."""
        path = reference.path
        if reference.root == "secrets" and step is not None:
            return Taint.of(frozenset(declared(step.secrets, str(path[0]))))
        if reference.root != "tasks":
            return NOTHING  # items have none: a list with a secret is not gone through
        name = str(path[0])
        item = self._items.get(name, NOTHING)
        if path[1] == "output":
            own = step is not None and step.id == name  # in its compensation: that of an item
            return (self._outputs.get(name, NOTHING) | (item if own else NOTHING)).at(path[2:])
        results = {"outputs": Taint.list_of(item)}
        results["itemResults"] = Taint.list_of(Taint.made_of({"output": item}))
        return results.get(str(path[2]), NOTHING).at(path[3:]) if path[1] == "forEach" else NOTHING

    def through(self, task_name: str, given: Taint) -> Taint:
        """The taint of a task's output, by that of its input."""
        task = self._tasks.get(task_name)
        if task is None or not isinstance(task.spec, TransformTaskSpec):
            return NOTHING
        whole = NOTHING if task.spec.expression is None else Taint.of(given.secrets)
        made = taint_of(
            task.spec.value,
            self._texts,
            lambda reference: given.at(reference.path) if reference.root == "input" else NOTHING,
        )
        return whole | made

    def _order(self, steps: tuple[Step, ...]) -> Iterable[str]:
        try:
            return Graph.of({step.id: self._waits(step) for step in steps}).order()
        except ValueError:  # a cycle, or no condition: then the workflow is refused anyway
            return dict.fromkeys(step.id for step in steps)

    def _follow_step(self, step: Step) -> None:
        given = self.taint(step.input, step)
        done = self._once(step, given, step)
        if step.fallback is not None:
            done |= self.taint(step.fallback.value, step)
            if step.fallback.task_ref is not None:
                is_own = "input" in step.fallback.model_fields_set
                own = self.taint(step.fallback.input, step) if is_own else given
                done |= self.through(step.fallback.task_ref, own)
        otherwise = NOTHING
        if step.condition is not None and step.condition.else_ is not None:
            otherwise = self._branch(step.condition.else_, given, step)
        item = done | otherwise
        self._items[step.id] = item
        self._outputs[step.id] = item if step.for_each is None else Taint.list_of(item) | otherwise

    def _branch(self, action: Action, inherited: Taint, step: Step) -> Taint:
        given = self.taint(action.input, step) if "input" in action.model_fields_set else inherited
        done = self._once(action, given, step)
        return done if action.for_each is None else Taint.list_of(done)

    def _once(self, action: Action, given: Taint, step: Step) -> Taint:
        if action.task_ref is not None:
            return self.through(action.task_ref, given)
        if action.switch is not None:
            default = action.switch.default
            done = NOTHING
            for branch in (*action.switch.cases, *(() if default is None else (default,))):
                done |= self._branch(branch, given, step)
            return done
        if action.tasks is None:
            return NOTHING  # a workflow takes no secrets
        self.follow(action.tasks)
        if "output" in action.model_fields_set:
            return self.taint(action.output, step)
        return Taint.made_of({inner.id: self._outputs[inner.id] for inner in action.tasks})


def declared(secrets: Iterable[SecretUse], name: str) -> Iterable[SecretUse]:
    """The declaration of a secret, if there is one; the first, if there are several."""
    return [use for use in secrets if use.name == name][:1]
