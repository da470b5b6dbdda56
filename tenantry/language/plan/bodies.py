"""Compiles what steps do: the tree of actions and bodies that a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.language.graph.dependencies import dependencies, reads_item
from tenantry.language.graph.graph import Graph
from tenantry.language.plan.effort import Effort
from tenantry.language.plan.model import (
    ActionPlan,
    CallPlan,
    ForEachPlan,
    GroupPlan,
    StepPlan,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tenantry.language.templates import compile_condition, compile_value, parse_condition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenantry.language.documents.model import Action, Compensation, Fallback, ForEach, Step, Switch
    from tenantry.language.plan.model import BodyPlan, Plan, TaskPlan
    from tenantry.language.templates import Condition, Evaluator
    from tenantry.language.values import Json


@dataclass(frozen=True, slots=True)
class BodyCompiler:
    """Compiles the steps of one workflow.

    Attributes:
        tasks: by name.
        workflows: by the reference as it is written.
        max_parallel: of the workflow; of its loops, unless they say otherwise.
    """

    tasks: Mapping[str, TaskPlan]
    workflows: Mapping[str, Plan]
    max_parallel: int

    def compile_graph(
        self, steps: tuple[Step, ...], render: Evaluator, timeout_seconds: float | None = None
    ) -> GroupPlan:
        """The steps as a graph."""
        graph = Graph.of({step.id: dependencies(step) for step in steps})
        return GroupPlan(
            steps=tuple(self._compile_steps(steps, graph)),
            groups=graph.groups(),
            render=render,
            timeout_seconds=timeout_seconds,
        )

    def _compile_steps(self, steps: tuple[Step, ...], graph: Graph) -> Iterator[StepPlan]:
        index = {step.id: position for position, step in enumerate(steps)}
        dependents: dict[str, list[int]] = {step.id: [] for step in steps}
        for step in steps:
            for other in graph.dependencies[step.id]:
                dependents[other].append(index[step.id])
        for step in steps:
            yield StepPlan(
                index=index[step.id],
                id=step.id,
                action=self._compile_step(step),
                optional=step.optional,
                dependencies=tuple(index[other] for other in graph.dependencies[step.id]),
                dependents=tuple(dependents[step.id]),
            )

    def _compile_step(self, step: Step) -> ActionPlan:
        """The step's action. A condition that reads the item of the step's own loop filters its items."""
        effort = Effort.of(step)
        condition = None if step.condition is None else parse_condition(step.condition.if_)
        body = self._compile_once(step, step.input, effort)
        if step.for_each is None:
            return self._compile_action(step, effort, condition, body)
        filters = condition is not None and reads_item(condition, step.for_each)
        item = self._compile_action(step, effort, condition if filters else None, body)
        loop = self._compile_loop(step.for_each, item)
        if filters or condition is None:
            return ActionPlan(body=loop)
        return ActionPlan(
            body=loop,
            condition=compile_condition(condition),
            condition_text=condition.text,
            otherwise=self._compile_otherwise(step, effort),
        )

    def _compile_action(
        self, step: Step, effort: Effort, condition: Condition | None, body: BodyPlan
    ) -> ActionPlan:
        """What the step does once: as a whole, or for each item."""
        return ActionPlan(
            body=body,
            condition=None if condition is None else compile_condition(condition),
            condition_text="" if condition is None else condition.text,
            otherwise=None if condition is None else self._compile_otherwise(step, effort),
            fallback=None if step.fallback is None else self._compile_fallback(step, step.fallback),
            compensate=None if step.compensate is None else self._compile_compensation(step.compensate),
        )

    def _compile_otherwise(self, step: Step, effort: Effort) -> BodyPlan | None:
        action = step.condition.else_ if step.condition is not None else None
        return None if action is None else self._compile_body(action, step.input, effort)

    def _compile_body(self, action: Action, inherited: Json, effort: Effort) -> BodyPlan:
        """What an action inside a step does, with its loop; the step's input is that of who gives none."""
        given = action.input if "input" in action.model_fields_set else inherited
        body = self._compile_once(action, given, effort)
        return body if action.for_each is None else self._compile_loop(action.for_each, ActionPlan(body=body))

    def _compile_once(self, action: Action, given: Json, effort: Effort) -> BodyPlan:
        if action.task_ref is not None:
            return self._compile_call(action.task_ref, given, effort)
        if action.workflow_ref is not None:
            return SubworkflowPlan(
                plan=self.workflows[action.workflow_ref],
                bind=compile_value(given),
                timeout_seconds=effort.timeout_seconds,
                input=given,
            )
        if action.switch is not None:
            return self._compile_switch(action.switch, given, effort)
        return self._compile_nested(action, effort)

    def _compile_call(self, name: str, given: Json, effort: Effort) -> CallPlan:
        task = self.tasks[name]
        return CallPlan(
            task=task,
            bind=compile_value(given),
            timeout_seconds=effort.timeout_of(task),
            retry=effort.retry or task.retry,
            circuit=effort.circuit or task.circuit,
            cache=effort.cache or task.cache,
            input=given,
        )

    def _compile_switch(self, switch: Switch, given: Json, effort: Effort) -> SwitchPlan:
        default = switch.default
        return SwitchPlan(
            value=compile_value(switch.value),
            cases=tuple((case.match, self._compile_body(case, given, effort)) for case in switch.cases),
            default=None if default is None else self._compile_body(default, given, effort),
            text=switch.value,
        )

    def _compile_nested(self, action: Action, effort: Effort) -> GroupPlan:
        steps = action.tasks or ()
        output: Json = {step.id: f"{{{{tasks.{step.id}.output}}}}" for step in steps}
        if "output" in action.model_fields_set:
            output = action.output
        return self.compile_graph(steps, compile_value(output), effort.timeout_seconds)

    def _compile_loop(self, loop: ForEach, action: ActionPlan) -> ForEachPlan:
        return ForEachPlan(
            items=compile_value(loop.items),
            variable=loop.item_var,
            action=action,
            max_parallel=min(loop.max_parallel or self.max_parallel, self.max_parallel),
            max_items=loop.max_items,
            tolerant=loop.on_item_failure == "continue",
            text=loop.items,
        )

    def _compile_fallback(self, step: Step, fallback: Fallback) -> CallPlan | ValuePlan:
        if fallback.task_ref is None:
            return ValuePlan(evaluate=compile_value(fallback.value), value=fallback.value)
        given = fallback.input if "input" in fallback.model_fields_set else step.input
        return self._compile_call(fallback.task_ref, given, Effort())

    def _compile_compensation(self, compensation: Compensation) -> CallPlan:
        return self._compile_call(compensation.task_ref, compensation.input, Effort())
