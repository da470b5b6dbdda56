"""A naive evaluator of workflows that puts marks in place of secrets, and notes where a mark must not be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tenantry.language.documents.model import HttpTaskSpec
from tenantry.language.templates import parse_condition, parse_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenantry.language.documents.model import (
        Action,
        ResultCache,
        Step,
        Workflow,
        WorkflowTask,
    )
    from tenantry.language.templates import Reference

ANSWER = {"id": 1}
"""What every upstream answers, and every other workflow gives: it is masked."""


def marks(value: Any) -> set[str]:
    """Names of the secrets whose marks are somewhere in a value."""
    text = json.dumps(value)
    return {name for name in ("KEY", "OTHER") if f"<{name}>" in text}


class Execution:
    """Runs a workflow in which each step reads only those whose ids come before its own.

    Attributes:
        leaks: places a mark came to and must not.
        senders: ids of the steps that gave a mark to a task.
    """

    def __init__(self, workflow: Workflow, tasks: Mapping[str, WorkflowTask], flips: Iterator[bool]) -> None:
        self._tasks = tasks
        self._flips = flips
        self._results: dict[str, Any] = {}
        self._item: Any = None
        self.leaks: list[str] = []
        self.senders: set[str] = set()
        self._run(workflow.spec.tasks)
        self._forbid(self._evaluate(workflow.spec.output), "output")
        if workflow.spec.response is not None:
            self._forbid(self._evaluate(workflow.spec.response.body), "response")

    def _forbid(self, value: Any, place: str, allowed: frozenset[str] = frozenset()) -> Any:
        if marks(value) - allowed:
            self.leaks.append(place)
        return value

    # Templates

    def _evaluate(self, value: Any, given: Any = None) -> Any:
        """A value with its templates evaluated; `given` is the input of a task whose template it is."""
        if isinstance(value, dict):
            return {key: self._evaluate(child, given) for key, child in value.items()}
        if isinstance(value, list):
            return [self._evaluate(child, given) for child in value]
        if not isinstance(value, str):
            return value
        template = parse_template(value)
        if template.whole is not None:
            return self._read(template.whole, given)
        return "".join(
            part if isinstance(part, str) else json.dumps(self._read(part, given)) for part in template.parts
        )

    def _read(self, reference: Reference, given: Any) -> Any:
        roots = {
            "input": given,
            "tasks": self._results,
            "forEach": {"item": self._item},
            "secrets": {name: f"<{name}>" for name in ("KEY", "OTHER")},
        }
        value: Any = roots[reference.root]
        for key in reference.path:
            try:
                value = value[key]
            except (LookupError, TypeError):
                return None
        return value

    # Steps

    def _run(self, steps: tuple[Step, ...]) -> None:
        for step in sorted(steps, key=lambda step: step.id):
            self._results[step.id] = self._step(step)

    def _step(self, step: Step) -> dict[str, Any]:
        if step.for_each is None:
            return {"output": self._once_or_else(step), "status": "completed"}
        outer, items = self._item, self._forbid(self._evaluate(step.for_each.items), f"{step.id} items")
        outputs = []
        for item in items if isinstance(items, list) else []:
            self._item = item
            outputs.append(self._once_or_else(step))
        self._item = outer
        results = [{"index": index, "output": output} for index, output in enumerate(outputs)]
        loop = {"outputs": outputs, "itemResults": results, "itemCount": len(outputs)}
        return {"output": outputs, "forEach": loop, "status": "completed"}

    def _once_or_else(self, step: Step) -> Any:
        output = self._decide(step)
        if step.compensate is not None:
            self._results[step.id] = {"output": output}
            self._call(step.compensate.task_ref, self._evaluate(step.compensate.input), step, None)
        return output

    def _decide(self, step: Step) -> Any:
        given = self._evaluate(step.input)
        if step.condition is not None:
            for reference in parse_condition(step.condition.if_).references:
                self._forbid(self._read(reference, None), f"{step.id} condition")
            if next(self._flips):
                otherwise = step.condition.else_
                return None if otherwise is None else self._branch(otherwise, given, step)
        output = self._do(step, given, step)
        if step.fallback is None or next(self._flips):
            return output
        if step.fallback.task_ref is None:
            return self._evaluate(step.fallback.value)
        own = "input" in step.fallback.model_fields_set
        return self._call(
            step.fallback.task_ref, self._evaluate(step.fallback.input) if own else given, step, None
        )

    def _branch(self, action: Action, inherited: Any, step: Step) -> Any:
        own = "input" in action.model_fields_set
        return self._do(action, self._evaluate(action.input) if own else inherited, step)

    def _do(self, action: Action, given: Any, step: Step) -> Any:
        if action.task_ref is not None:
            return self._call(action.task_ref, given, step, step.cache)
        if action.workflow_ref is not None:
            self._forbid(given, f"{step.id} workflow")
            return ANSWER
        if action.switch is not None:
            self._forbid(self._evaluate(action.switch.value), f"{step.id} switch")
            default = action.switch.default
            branches = (*action.switch.cases, *(() if default is None else (default,)))
            chosen = next((branch for branch in branches if next(self._flips)), branches[-1])
            return self._branch(chosen, given, step)
        steps = action.tasks or ()
        self._run(steps)
        if "output" in action.model_fields_set:
            return self._evaluate(action.output)
        return {inner.id: self._results[inner.id]["output"] for inner in steps}

    def _call(self, name: str, given: Any, step: Step, cache: ResultCache | None) -> Any:
        allowed = frozenset(use.name for use in step.secrets)
        self._forbid(given, f"{step.id} gives {name}", allowed)
        self.senders |= {step.id} if marks(given) else set()
        spec = self._tasks[name].spec
        if isinstance(spec, HttpTaskSpec):
            self._forbid(self._evaluate(spec.request.url, given), f"URL of {name}")
            cache, output = cache or spec.cache, ANSWER
        else:
            # An expression may give anything that is in its input, so it gives all of it.
            output = given if spec.expression is not None else self._evaluate(spec.value, given)
        if cache is not None:
            key = given if cache.key is None else self._evaluate(cache.key, given)
            self._forbid(key, f"cache key of {name}")
            self._forbid(output, f"cached result of {name}")
        return output
