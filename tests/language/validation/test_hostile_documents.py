"""Whatever documents are put together: findings, never an exception, and only codes that are explained."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.codes import Code
from tenantry.language.documents.model import Workflow
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.validation import Library, validate_task, validate_workflow
from tenantry.language.validation.catalogue import CATALOGUE
from tests.support.json_values import JSON_VALUES
from tests.support.language import judge

TASKS = (Path(__file__).parent / "tasks.yaml").read_text()
EXAMPLES = [entry.text for entry in CATALOGUE.values() if entry.repeat == 1]

PATHS = st.sampled_from(
    [
        "input",
        "input.userId",
        "tasks.a.output",
        "tasks.b.output.lines[0].price",
        "tasks.a.status",
        "tasks.zz.output",
        "secrets.X",
        "workflow.name",
        "forEach.x",
        "forEach.$parent.x",
        "forEach.$root.y",
        "forEach.index",
        "tasks.c.forEach.outputs",
        "tasks.d.forEach.itemResults",
        "tasks",
        "input['a b'].c[2]",
        "tasks.a.output.tier",
        "",
        "input..",
    ]
)
LITERALS = st.sampled_from(["1", "'x'", "null", "true", "[1, 'a']", "{}", "-1.5", "[", "'"])
TEMPLATES = st.builds("{{{{{}{}}}}}".format, PATHS, st.just("") | LITERALS.map(" ?? {}".format))
OPERANDS = TEMPLATES | LITERALS
CONDITIONS = st.lists(
    OPERANDS | st.sampled_from(["==", "!=", "<", ">=", "in", "&&", "||", "!", "(", ")"]), max_size=7
).map(" ".join)
TEXTS = st.builds("{}{}".format, st.sampled_from(["", "x ", "https://h/"]), TEMPLATES)
INPUTS = st.recursive(
    TEXTS | JSON_VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["userId", "expand", "lines", "label", "tags", "rate", "options"]), inner
        )
    ),
    max_leaves=6,
)
TASK_REFS = st.sampled_from(["fetch-user", "list-orders", "add-up", "write-audit", "probe", "gone"])
WORKFLOW_REFS = st.sampled_from(["x", "other", "other@v1", "ns/other", "Not A Name", 5])
LOOPS = st.fixed_dictionaries(
    {"items": INPUTS}, optional={"itemVar": st.sampled_from(["x", "y", "index", 3]), "maxItems": st.just(5)}
)


def actions(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """What a step, a case or an `else` says of what it does, of steps that are nested."""
    cases = st.lists(
        st.builds(lambda match, action: {"match": match, **action}, st.sampled_from([1, "a", None]), inner),
        max_size=2,
    )
    switches = st.fixed_dictionaries({"value": INPUTS, "cases": cases}, optional={"default": inner})
    return st.fixed_dictionaries(
        {},
        optional={
            "taskRef": TASK_REFS,
            "workflowRef": WORKFLOW_REFS,
            "switch": switches,
            "tasks": st.lists(inner.flatmap(steps_of), max_size=2),
            "forEach": LOOPS,
            "input": INPUTS,
            "output": INPUTS,
        },
    )


def steps_of(action: Any) -> st.SearchStrategy[Any]:
    """Steps that do something."""
    return st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b", "c", "d", "e"])},
        optional={
            "dependsOn": st.lists(st.sampled_from(["a", "b", "c", "zz"]), max_size=2),
            "condition": st.fixed_dictionaries({"if": CONDITIONS}, optional={"else": st.just(action)}),
            "timeout": st.sampled_from(["1s", "soon", 5]),
            "fallback": st.sampled_from([{"taskRef": "probe"}, {"value": "{{input}}"}, {}]),
            "compensate": st.builds(lambda value: {"taskRef": "write-audit", "input": value}, INPUTS),
            "cache": st.just({"ttl": "1s", "key": "{{input.userId}}"}),
            "optional": st.booleans(),
            "typo": JSON_VALUES,
        },
    ).map(lambda step: {**step, **action})


ACTIONS = st.recursive(st.builds(lambda name: {"taskRef": name}, TASK_REFS), actions, max_leaves=5)
STEPS = ACTIONS.flatmap(steps_of)
RESPONSES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([200, 1, "{{input}}"]),
        "headers": st.dictionaries(st.sampled_from(["X-A", "Content-Length", "a b"]), TEXTS),
        "contentType": st.sampled_from(["text/plain", "application/json", "{{input}}"]),
        "body": INPUTS,
    },
)
SCHEMAS = st.recursive(
    st.sampled_from(
        [{}, {"type": "string"}, {"type": ["object", "null"]}, {"enum": [1, "a", None]}, {"$ref": "#"}]
    )
    | JSON_VALUES,
    lambda inner: (
        st.builds(lambda name, part: {"type": "object", "properties": {name: part}}, PATHS, inner)
        | st.builds(
            lambda word, parts: {word: parts}, st.sampled_from(["anyOf", "allOf", "oneOf"]), st.lists(inner)
        )
        | st.builds(
            lambda word, part: {word: part}, st.sampled_from(["items", "not", "additionalProperties"]), inner
        )
    ),
    max_leaves=6,
)


def document(kind: str, spec: Any) -> Any:
    return {"apiVersion": "workflow.io/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def known_tasks() -> dict[str, Any]:
    tasks = [validate_task(found)[0] for found in parse_documents(TASKS).documents]
    return {task.name: task for task in tasks if task is not None}


KNOWN = known_tasks()
PLANS = {name: compile_task(task, "") for name, task in KNOWN.items()}


@given(st.lists(STEPS, min_size=1, max_size=4), SCHEMAS, INPUTS, RESPONSES)
def test_any_workflow_gives_only_findings(steps: list[Any], schema: Any, output: Any, response: Any) -> None:
    raw = document("Workflow", {"input": schema, "tasks": steps, "output": output, "response": response})
    before = deepcopy(raw)
    other, _ = read(load_document({**raw, "metadata": {"name": "other"}}), Workflow)
    library = Library(tasks=KNOWN, workflows={} if other is None else {"other": other, "other@v1": other})

    workflow, findings = validate_workflow(load_document(raw), library)

    assert raw == before
    assert (workflow is None) == any(finding.severity == "error" for finding in findings)
    assert {finding.code for finding in findings} <= set(Code)


def test_what_doubles_in_every_step_becomes_unknown_and_not_endless() -> None:
    steps: list[Any] = [{"id": "s0", "taskRef": "fetch-user", "input": {"userId": 1}}]
    for number in range(1, 200):
        twice = {
            "lines": [],
            "a": f"{{{{tasks.s{number - 1}.output}}}}",
            "b": f"{{{{tasks.s{number - 1}.output}}}}",
        }
        inner = {"id": f"n{number}", "taskRef": "add-up", "input": twice}
        steps.append({"id": f"s{number}", "tasks": [inner], "output": twice})

    workflow, findings = validate_workflow(
        load_document(document("Workflow", {"tasks": steps})), Library(tasks=KNOWN)
    )

    assert workflow is not None
    assert {finding.code for finding in findings} == {Code.UNDECIDED}
    assert "it is too large" in findings[0].message


@given(st.lists(ACTIONS.flatmap(steps_of), min_size=1, max_size=3))
def test_a_workflow_that_validates_compiles(steps: list[Any]) -> None:
    raw = document("Workflow", {"tasks": steps})
    workflow, _ = validate_workflow(load_document(raw), Library(tasks=KNOWN))

    if workflow is not None:
        plan = compile_workflow(workflow, PLANS, version=1, digest="d")
        assert [step.id for step in plan.graph.steps] == [step["id"] for step in steps]


@given(SCHEMAS, SCHEMAS, TEXTS, INPUTS, CONDITIONS)
def test_any_task_gives_only_findings(taken: Any, given_: Any, url: str, body: Any, expression: str) -> None:
    schemas = {"inputSchema": taken, "outputSchema": given_}
    http = document("WorkflowTask", {**schemas, "type": "http", "request": {"url": url, "body": body}})
    transform = document("WorkflowTask", {**schemas, "type": "transform", "expression": expression})

    for raw in (http, transform):
        task, findings = validate_task(load_document(raw))
        assert (task is None) == any(finding.severity == "error" for finding in findings)
        assert {finding.code for finding in findings} <= set(Code)


@given(SCHEMAS, SCHEMAS)
def test_any_two_tasks_can_be_joined(gives: Any, takes: Any) -> None:
    first = document("WorkflowTask", {"type": "transform", "value": 1, "outputSchema": gives})
    second = document("WorkflowTask", {"type": "transform", "value": 1, "inputSchema": takes})
    found = {name: validate_task(load_document(raw))[0] for name, raw in (("one", first), ("two", second))}
    steps = [
        {"id": "a", "taskRef": "one"},
        {"id": "b", "taskRef": "two", "input": "{{tasks.a.output}}"},
        {
            "id": "c",
            "taskRef": "two",
            "input": {"x": "{{tasks.a.output.x}}", "y": [1, "{{tasks.a.output ?? 2}}"]},
        },
    ]

    tasks = {name: task for name, task in found.items() if task is not None}
    workflow, findings = validate_workflow(
        load_document(document("Workflow", {"tasks": steps})), Library(tasks=tasks)
    )

    assert (workflow is None) == any(finding.severity == "error" for finding in findings)


@given(
    st.sampled_from(EXAMPLES),
    st.lists(
        st.tuples(
            st.floats(0, 1), st.integers(0, 12), st.sampled_from(["", "{{", "}}", "'", "x", ": ", "\n"])
        )
    ),
)
def test_a_mutated_example_gives_only_findings_with_places(
    text: str, edits: list[tuple[float, int, str]]
) -> None:
    for where, length, piece in edits[:4]:
        index = int(where * len(text))
        text = text[:index] + piece + text[index + length :]

    for finding in judge(text):
        assert finding.code in set(Code)
        assert finding.position is not None or finding.code == Code.TOO_MANY_FINDINGS
