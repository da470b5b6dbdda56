from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from tenantry.language.codes import Code
from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import Model, Workflow
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report

ENVELOPE: dict[str, object] = {
    "apiVersion": "workflow.io/v1",
    "kind": "Workflow",
    "metadata": {"name": "w"},
}


def mended(raw: dict[str, Any], model: type[BaseModel] = Workflow) -> Any:
    before = repr(raw)
    document = load_document(raw)
    result = mend(document, model, Report(document))
    assert repr(raw) == before
    return result


def workflow(step: object, **spec: object) -> Any:
    return mended({**ENVELOPE, "spec": {"tasks": [{"id": "first", "taskRef": "t"}, step], **spec}})


def told(text: str, model: type[BaseModel] = Workflow) -> list[str]:
    """What is told of a document when it has been read and mended."""
    (document,) = parse_documents(text).documents
    _, findings = read(document, model)
    report = Report(document, findings)
    assert mend(document, model, report) is not None
    return [str(finding).removeprefix("<input>:") for finding in report.findings()]


def test_a_document_without_mistakes_is_read_whole() -> None:
    assert workflow({"id": "a", "taskRef": "t"}, maxParallel=3).spec.max_parallel == 3


def test_wrong_and_unknown_fields_are_left_out_and_the_rest_stays() -> None:
    step = {"id": "a", "taskRef": "t", "timeout": 5, "typo": 1}

    spec = workflow(step, maxParallel="many", deadline="1s").spec

    assert spec.deadline == 1.0
    assert spec.max_parallel == 16
    assert spec.tasks[1].model_dump(exclude_defaults=True) == {"id": "a", "task_ref": "t"}


def test_what_has_to_be_there_is_stood_in_for() -> None:
    step = {"taskRef": "t", "dependsOn": ["first", 7], "condition": {"if": 5}, "retry": {"maxAttempts": 0.5}}

    spec = workflow({**step, "cache": {"ttl": 60}}).spec

    assert spec.tasks[1].task_ref == "t"
    assert spec.tasks[1].depends_on[0] == "first"
    assert len(spec.tasks[1].depends_on) == 2
    assert spec.tasks[1].condition is not None
    assert spec.tasks[1].retry.max_attempts == 1
    assert spec.tasks[1].cache.ttl > 0


def test_an_entry_that_is_no_mapping_moves_none_of_the_others() -> None:
    assert [step.id for step in workflow({"id": "a"}, tasks=[5, {"id": "b"}]).spec.tasks][1] == "b"


def test_what_is_wrong_with_the_envelope_does_not_hide_the_spec() -> None:
    raw = {"apiVersion": "v2", "kind": "Workflow", "metadata": {"name": "No Name", "labels": {"a b": "c"}}}

    assert mended({**raw, "spec": {"tasks": [{"id": "a"}], "deadline": "2s"}}).spec.deadline == 2.0


def test_a_switch_without_cases_is_left_out() -> None:
    assert workflow({"id": "a", "switch": {"value": 1, "cases": []}}).spec.tasks[1].switch is None
    assert workflow({"id": "a", "switch": {"value": 1, "cases": [5, {"match": 1}]}}).spec.tasks[1].switch


@pytest.mark.parametrize(
    "raw",
    [
        {"kind": "Workflow", "spec": []},
        {**ENVELOPE, "spec": {"tasks": "none"}},
        {**ENVELOPE, "spec": {"tasks": []}},
    ],
)
def test_a_workflow_without_a_list_of_steps_cannot_be_mended(raw: dict[str, object]) -> None:
    assert mended(raw) is None


def test_a_document_wrong_in_hundreds_of_places_is_not_mended() -> None:
    right: dict[str, object] = {"id": "a", "taskRef": "b"}
    wrong = right | {f"field{number}": 1 for number in range(40)}

    assert workflow({}, tasks=[right, *(wrong | {} for _ in range(5))]) is not None
    assert workflow({}, tasks=[right, *(wrong | {} for _ in range(6))]) is None


class Disc(Model):
    shape: Literal["disc"]
    radius: int


class Square(Model):
    shape: Literal["square"]
    side: Annotated[int, Field(ge=1000)]


class Drawing(Model):
    figure: Annotated[Disc | Square, Field(discriminator="shape")]
    extra: dict[str, Annotated[Disc | Square, Field(discriminator="shape")]] | None = None
    on: Annotated[bool, Field(strict=True)]
    named: dict[str, int]


def test_the_nearest_kind_is_taken_and_what_is_wrong_with_it_is_told_at_once() -> None:
    text = (
        "kind: Workflow\nfigure: {shape: dics, raduis: 1}\nextra: {a: {}, b: {shape: q}}\n"
        "on: maybe\nnamed: []\n"
    )

    class Sketch(Drawing):
        kind: str

    assert told(text, Sketch) == [
        '2:17: error WF104: figure.shape is "dics"; it must be "disc" or "square" (did you mean "disc"?)',
        '2:23: error WF101: figure has no field "raduis" (did you mean "radius"?)',
        '3:12: error WF102: extra.a needs "shape"',
        '3:27: error WF104: extra.b.shape is "q"; it must be "disc" or "square"',
        "4:5: error WF103: on must be a boolean, not a string",
        "5:8: error WF103: named must be a mapping, not a list",
    ]


def test_what_lacks_too_much_inside_one_another_is_given_up() -> None:
    class Inner(Model):
        number: int

    class Middle(Model):
        inner: Inner

    class Outer(Model):
        middle: Middle

    class Whole(Model):
        outer: Outer

    assert mended({"middle": {}}, Outer) is not None
    assert mended({}, Whole) is None


def test_what_stands_in_a_field_that_is_left_out_needs_no_mending() -> None:
    assert workflow({"id": "a", "secrets": [7, 8]}).spec.tasks[1].secrets == ()


@pytest.mark.parametrize("figure", [{}, {"shape": "xyz"}, {"shape": "square", "side": 1}])
def test_what_no_value_of_ours_would_fit_cannot_be_mended(figure: dict[str, object]) -> None:
    assert mended({"figure": figure, "on": True, "named": {}}, Drawing) is None


def test_what_was_made_up_is_never_told_nor_suggested() -> None:
    raw = {**ENVELOPE, "spec": {"tasks": [{"taskRef": "t"}, {"id": "other", "dependsOn": [1]}]}}
    document = load_document(raw)
    report = Report(document)

    model = mend(document, Workflow, report)

    assert model is not None
    names = [step.id for step in model.spec.tasks]
    report.add(Code.DUPLICATE_STEP, "made up", "/spec/tasks/0/id")
    report.add(Code.UNKNOWN_DEPENDENCY, "made up", "/spec/tasks/1/dependsOn/0/deeper")
    report.add(Code.UNKNOWN_STEP, "real", "/spec/output", meant=("unnamed", names))
    (finding,) = report.findings()
    assert finding.message == "real"
    assert finding.suggestion == "known here: other"
