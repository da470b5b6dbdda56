"""If it deploys, it works: generated workflows that validate never fail for a reason known before.

Workflows are made of every construct and of mostly plausible templates. Those that validate are run by the
engine's core with any input and any results that their schemas allow, and any failures of upstreams.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
)
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document
from tenantry.language.documents.reading import read
from tenantry.language.findings import Severity
from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.templates.errors import TemplateError
from tenantry.language.validation import Library, validate_workflow
from tests.support.deciding import BUSY, GONE, submit
from tests.support.inputs import inputs_of

INTEGER: Final = {"type": "integer"}
TEXT: Final = {"type": "string"}


def object_of(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


INPUT: Final = object_of(
    {
        "n": INTEGER,
        "s": TEXT,
        "list": {"type": "array", "items": INTEGER},
        "kind": {"enum": ["a", "b"]},
        "maybe": {"type": ["integer", "null"]},
        "users": {"type": "array", "items": object_of({"id": INTEGER}, nick=TEXT)},
    },
    opt=INTEGER,
)
ORDER: Final = object_of(
    {"id": INTEGER, "status": {"enum": ["open", "paid"]}, "lines": {"type": "array", "items": INTEGER}}
)
SCHEMAS: Final[dict[str, tuple[Any, Any]]] = {
    "user": (
        object_of({"id": INTEGER}),
        object_of(
            {"id": INTEGER, "email": TEXT, "boss": {"type": ["integer", "null"]}},
            tier={"enum": ["free", "pro"]},
        ),
    ),
    "orders": (
        object_of({"customer": INTEGER}, limit={"type": "integer", "minimum": 1}),
        object_of({"orders": {"type": "array", "items": ORDER}, "next": {"type": ["string", "null"]}}),
    ),
    "price": (
        object_of({"id": INTEGER, "currency": {"enum": ["a", "b"]}}),
        object_of({"cents": INTEGER, "ok": {"type": "boolean"}}),
    ),
    "name": (object_of({"name": {"type": "string", "minLength": 1}}), TEXT),
    "count": (None, INTEGER),
}
"""Tasks by name: what each takes and gives."""

FIELDS: Final = {
    "user": ("id",),
    "orders": ("customer", "limit"),
    "price": ("id", "currency"),
    "name": ("name",),
    "count": ("any",),
}
LITERALS: Final = {"id": 7, "customer": 7, "limit": 3, "currency": "a", "name": "x", "any": [1]}


def task_document(name: str) -> dict[str, Any]:
    takes, gives = SCHEMAS[name]
    spec: dict[str, Any] = {"type": "http", "request": {"url": f"https://h/{name}"}, "outputSchema": gives}
    if takes is not None:
        spec["inputSchema"] = takes
    return {"apiVersion": "workflow.io/v1", "kind": "WorkflowTask", "metadata": {"name": name}, "spec": spec}


TASKS: Final[dict[str, WorkflowTask]] = {
    name: task
    for name in SCHEMAS
    if (task := read(load_document(task_document(name)), WorkflowTask)[0]) is not None
}
PLANS: Final = {name: compile_task(task, name) for name, task in TASKS.items()}
FROM_INPUT: Final = (
    *("n", "n", "s", "list", "list[0]", "list[0] ?? 1", "kind", "maybe", "maybe ?? 1", "opt", "opt ?? 2"),
    *("users", "users[0].id ?? 3", "users[0].nick ?? 'x'", "nowhere"),
)
FROM_TASK: Final = (
    *(
        "output",
        "output.id",
        "output.id ?? 1",
        "output.email",
        "output.email ?? 'x'",
        "output.boss",
        "output.boss ?? 0",
    ),
    *(
        "output.tier ?? 'free'",
        "output.orders",
        "output.orders ?? []",
        "output.orders[0].id ?? 5",
        "output.cents",
    ),
    *(
        "output.cents ?? 0",
        "output.next ?? 'x'",
        "output ?? 1",
        "status",
        "forEach.outputs",
        "forEach.successCount",
    ),
    *("forEach.itemResults", "output.inner", "output.inner.id ?? 1", "output[0] ?? 1", "output[0].id ?? 1"),
)
FROM_LOOP: Final = (
    "x",
    "x.id",
    "x.id ?? 1",
    "y",
    "y.id ?? 2",
    "index",
    "$parent.index",
    "$root.x",
    "$parent.x",
)


class Maker:
    """Draws a workflow; ids are numbered, and templates read what may have been drawn before."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.ids: list[str] = []
        self.made = 0

    def one(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def rarely(self) -> bool:
        return self.draw(st.integers(0, 2)) == 2

    def perhaps(self) -> bool:
        return self.draw(st.booleans())

    def likely(self) -> bool:
        return not self.rarely()

    def path(self, loops: int) -> str:
        roots = (
            ["input", "input"] + ["tasks", "tasks"] * bool(self.ids) + ["forEach", "forEach"] * bool(loops)
        )
        match self.one(*roots):
            case "tasks":
                return f"tasks.{self.one(*self.ids)}.{self.one(*FROM_TASK)}"
            case "forEach":
                return f"forEach.{self.one(*FROM_LOOP)}"
        return f"input.{self.one(*FROM_INPUT)}"

    def template(self, loops: int) -> str:
        path = self.path(loops)
        return f"-{{{{{path}}}}}" if self.rarely() else f"{{{{{path}}}}}"

    def given(self, task: str, loops: int) -> dict[str, Any]:
        return {
            field: LITERALS[field] if self.perhaps() else self.template(loops)
            for field in FIELDS[task]
            if field != "limit" or self.perhaps()
        }

    def action(self, depth: int, loops: int) -> dict[str, Any]:
        kinds = ["call"] * 3 + ["switch", "tasks"] * (depth > 0)
        match self.one(*kinds):
            case "switch":
                cases = [
                    {"match": literal, **self.action(depth - 1, loops)}
                    for literal in self.one(["a"], ["a", "b"], ["b", 1])
                ]
                switch: dict[str, Any] = {"value": self.template(loops), "cases": cases}
                if self.likely():
                    switch["default"] = self.action(depth - 1, loops)
                return {"switch": switch}
            case "tasks":
                before = list(self.ids)
                action: dict[str, Any] = {"tasks": self.steps(depth - 1, loops)}
                if self.perhaps():
                    action["output"] = {"inner": self.template(loops)}
                self.ids = before
                return action
        task = self.one(*FIELDS)
        return {"taskRef": task, "input": self.given(task, loops)}

    def condition(self, loops: int) -> dict[str, Any]:
        path = self.path(loops)
        value = f"{{{{{path}}}}}"
        text = self.one(
            *(f"{value} != null", f"{value} == null", f"{value} > 3", f"{value} == 'a'"),
            "{{input.maybe}} != null && {{input.n}} > 1",
            f"!({value} == null) || {{{{input.n}}}} == 1",
        )
        if self.ids and self.perhaps():
            text = f"{{{{tasks.{self.one(*self.ids)}.status}}}} == 'completed'"
        condition: dict[str, Any] = {"if": text}
        if self.rarely():
            condition["else"] = self.action(0, loops)
        return condition

    def step(self, depth: int, loops: int) -> dict[str, Any]:
        step: dict[str, Any] = {}
        around = loops
        if depth > 0 and self.rarely():
            items = self.one("{{input.list}}", "{{input.users}}", self.template(loops))
            goes_on = self.one("fail", "continue")
            step["forEach"] = {"items": items, "itemVar": "xyz"[loops], "onItemFailure": goes_on}
            around += 1
        step |= self.action(depth, around)
        if self.rarely():
            step["condition"] = self.condition(around)
        if self.rarely():
            step["fallback"] = {"value": self.one(self.template(around), None, 1)}
        if self.rarely():
            step["optional"] = True
        return step

    def steps(self, depth: int, loops: int) -> list[dict[str, Any]]:
        steps = []
        for _ in range(self.draw(st.integers(1, 3))):
            self.made += 1
            step: dict[str, Any] = {"id": f"s{self.made}"}
            step |= self.step(depth, loops)
            self.ids.append(step["id"])
            steps.append(step)
        return steps


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    maker = Maker(draw)
    spec = {"input": INPUT, "tasks": maker.steps(2, 0)}
    spec["output"] = {"out": maker.template(0)}
    return {"apiVersion": "workflow.io/v1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": spec}


def run(workflow: Workflow, data: st.DataObject) -> list[str]:
    """Runs the workflow with whatever comes; gives the reasons that should have been known."""
    plan = compile_workflow(workflow, PLANS, version=1, digest="d")
    state, events = submit(plan, data.draw(inputs_of(INPUT), "input"), deadline_at=1e9)
    running = [event for event in events if isinstance(event, TaskStarted)]
    known = reasons(events)
    now = 0.0
    while not state.ended:
        now += 0.001
        event: AnyEvent | None = None
        running = [one for one in running if one.task in state.activities]
        if running:
            event = outcome(state.activities[running[0].task], running.pop(0), data, now, known)
        else:
            now = max(now, wake_at(state))
        new = advance(state, event, now)
        known += reasons(new)
        running += [one for one in new if isinstance(one, TaskStarted)]
    return known


def reasons(events: list[AnyEvent]) -> list[str]:
    return [
        f"{event.failure.code}: {event.failure.message}"
        for event in events
        if hasattr(event, "failure")
        and event.failure.code in {FailureCode.UNRESOLVED, FailureCode.INPUT_MISMATCH}
    ]


def outcome(activity: Any, start: TaskStarted, data: st.DataObject, now: float, known: list[str]) -> AnyEvent:
    task = activity.body.task
    try:
        value = activity.body.bind(activity.scope)
    except TemplateError as error:
        known.append(f"{start.task}: {error}")
        value = None
    if task.input_validator is not None and not task.input_validator.is_valid(value):
        known.append(f"{start.task} gives {task.name} {value!r}")
    if data.draw(st.sampled_from((True, True, True, False)), "succeeds"):
        output = data.draw(inputs_of(SCHEMAS[task.name][1]), f"output of {start.task}")
        return TaskCompleted(at=now, task=start.task, attempt=start.attempt, output=output)
    failure = data.draw(st.sampled_from((BUSY, GONE)), "failure")
    return TaskFailed(at=now, task=start.task, attempt=start.attempt, failure=failure)


@settings(
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(workflows(), st.data())
def test_a_workflow_that_validates_never_fails_for_a_reason_known_before(
    raw: dict[str, Any], data: st.DataObject
) -> None:
    workflow, findings = validate_workflow(load_document(raw), Library(tasks=TASKS))
    assume(not any(finding.severity is Severity.ERROR for finding in findings))
    assert workflow is not None
    assert run(workflow, data) == []
