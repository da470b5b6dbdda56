"""Whatever is accepted keeps its secrets: generated workflows, run with a mark in place of each secret."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tenantry.language.documents.document import Document
from tenantry.language.documents.model import Workflow
from tenantry.language.documents.report import Report
from tenantry.language.validation.taint import check_secrets
from tests.support.secret_flows import library
from tests.support.secret_marks import Execution, marks

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[st.SearchStrategy[Any]], Any]

LIBRARY = library()
TASKS = st.sampled_from(
    ["send", "in-url", "keyed", "cached", "sign", "same", "query", "fixed", "sign", "same"]
)
SECRET = {
    "KEY": {"name": "KEY", "source": "vault", "path": "a", "key": "k"},
    "OTHER": {"name": "OTHER", "source": "vault", "path": "b", "key": "k"},
}
DECLARED = st.sampled_from([["KEY", "OTHER"], ["KEY", "OTHER"], ["KEY"], []])
TAILS = st.sampled_from(("output", "output.a", "output.auth", "output.b", "output[0]")) | st.sampled_from(
    (
        "output.id",
        "output.l[0]",
        "output[0].a",
        "status",
        "forEach.itemCount",
        "forEach.outputs",
        "forEach.outputs[1].b",
        "forEach.itemResults[0].output.a",
    )
)


def paths(earlier: list[str]) -> st.SearchStrategy[str]:
    plain = st.sampled_from(("input.x", "forEach.item"))
    if not earlier:
        return plain
    read = st.builds("tasks.{}.{}".format, st.sampled_from(earlier), TAILS)
    return st.one_of(read, read, plain)


def texts(path: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return path.map("{{{{{}}}}}".format) | path.map("a {{{{{}}}}} b".format)


def values(earlier: list[str]) -> st.SearchStrategy[Any]:
    """A value that names no secret."""
    names = st.sampled_from(("a", "b", "id"))
    return st.recursive(
        texts(paths(earlier)),
        lambda inner: st.dictionaries(names, inner, min_size=1, max_size=2) | st.lists(inner, max_size=2),
        max_leaves=3,
    )


def inputs(earlier: list[str]) -> st.SearchStrategy[Any]:
    """An input, which may name secrets."""
    secret = texts(st.sampled_from(("secrets.KEY", "secrets.OTHER")))
    field = values(earlier) | secret
    fields: dict[str, st.SearchStrategy[Any]] = {"b": field, "id": values(earlier)}
    return st.fixed_dictionaries({"a": field}, optional=fields) | values(earlier)


@st.composite
def actions(draw: Draw, name: str, earlier: list[str], depth: int) -> dict[str, Any]:
    """What a step, a case or an `else` does."""
    kind = draw(
        st.sampled_from(["task", "task", "task", "switch", "nested", "workflow"][: 6 if depth else 3])
    )
    if kind == "task":
        return {"taskRef": draw(TASKS)}
    if kind == "workflow":
        return {"workflowRef": "child"}
    if kind == "switch":
        value = draw(values(earlier))
        cases = [{"match": match, **draw(branches(f"{name}{match}", earlier))} for match in ("x", "y")]
        return {"switch": {"value": value, "cases": cases}}
    inner = draw(graphs(f"{name}n", earlier, 2, depth - 1))
    ids = sorted(step["id"] for step in inner)
    output = {"output": draw(values([*earlier, *ids]))} if draw(st.booleans()) else {}
    return {"tasks": inner, **output}


@st.composite
def branches(draw: Draw, name: str, earlier: list[str]) -> dict[str, Any]:
    action: dict[str, Any] = draw(actions(name, earlier, 0))
    return action | ({"input": draw(inputs(earlier))} if draw(st.booleans()) else {})


@st.composite
def steps(draw: Draw, name: str, earlier: list[str], depth: int) -> dict[str, Any]:
    """A step that reads steps before it."""
    declared = [SECRET[secret] for secret in draw(DECLARED)]
    step = {"id": name, "secrets": declared, **draw(actions(name, earlier, depth))}
    step["input"] = draw(inputs(earlier))
    for part in draw(
        st.sets(st.sampled_from(["forEach", "if", "fallback", "compensate", "cache"]), max_size=2)
    ):
        step |= draw(extras(part, name, earlier))
    return step


@st.composite
def extras(draw: Draw, part: str, name: str, earlier: list[str]) -> dict[str, Any]:
    if part == "forEach":
        return {"forEach": {"items": draw(st.just([1, 2]) | values(earlier))}}
    if part == "if":
        otherwise = {"else": draw(branches(f"{name}e", earlier))} if draw(st.booleans()) else {}
        path = draw(paths(earlier))
        return {"condition": {"if": f"{{{{{path}}}}} == 1"} | otherwise}
    if part == "fallback":
        value = {"value": draw(values(earlier))}
        task = {"taskRef": draw(TASKS), "input": draw(inputs(earlier))}
        return {"fallback": draw(st.sampled_from([value, task, {"taskRef": task["taskRef"]}]))}
    if part == "compensate":
        return {"compensate": {"taskRef": draw(TASKS), "input": draw(inputs([*earlier, name]))}}
    return {"cache": {"ttl": "1s"} | draw(st.sampled_from([{}, {"key": "{{input.id}}"}]))}


@st.composite
def graphs(draw: Draw, prefix: str, earlier: list[str], most: int, depth: int) -> list[dict[str, Any]]:
    names = [f"{prefix}{number}" for number in range(draw(st.integers(1, most)))]
    made = [draw(steps(name, [*earlier, *names[:index]], depth)) for index, name in enumerate(names)]
    return list(draw(st.permutations(made)))


@st.composite
def workflows(draw: Draw) -> Workflow:
    first = {
        "id": "made",  # there is always something made of a secret
        "taskRef": draw(st.sampled_from(("sign", "same", "query"))),
        "input": {"a": "{{secrets.KEY}}", "b": "{{secrets.OTHER}}"},
        "secrets": list(SECRET.values()),
    }
    made = [first, *draw(graphs("s", ["made"], 3, 1))]
    ids = [step["id"] for step in made]
    spec = {"tasks": made, "output": draw(values(ids))}
    if draw(st.booleans()):
        spec["response"] = {"body": draw(values(ids))}
    return Workflow.model_validate(
        {"apiVersion": "workflow.io/v1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": spec}
    )


def is_accepted(workflow: Workflow) -> bool:
    raw = workflow.model_dump(mode="json", by_alias=True)
    report = Report(Document(kind="Workflow", name="w", raw=raw))
    check_secrets(workflow, LIBRARY, report)
    return not report.has_errors


def run(workflow: Workflow, flips: list[bool]) -> Execution:
    return Execution(workflow, LIBRARY.tasks, chain(flips, repeat(True)))


FLIPS = st.lists(st.booleans(), max_size=12)


@settings(max_examples=300, deadline=None)
@given(workflows(), FLIPS)
def test_an_accepted_workflow_leaks_nothing_whichever_way_it_goes(
    workflow: Workflow, flips: list[bool]
) -> None:
    if is_accepted(workflow):
        assert run(workflow, flips).leaks == []


def test_among_them_are_workflows_that_use_secrets_and_workflows_that_leak() -> None:
    kinds: set[str] = set()

    def shows(workflow: Workflow) -> bool:
        execution = run(workflow, [])
        if is_accepted(workflow):
            kinds.update(f"sends {step}" for step in execution.senders)
        else:
            kinds.update(leak.split()[0] for leak in execution.leaks)
        return kinds >= {"sends s0", "output", "response", "URL", "cache", "cached"}

    find(workflows(), shows, settings=settings(derandomize=True, phases=[Phase.generate], max_examples=2000))


def test_a_mark_is_found_wherever_it_is() -> None:
    assert marks({"a": ["x <KEY> y"]}) == {"KEY"}
    assert marks(["KEY"]) == set()
