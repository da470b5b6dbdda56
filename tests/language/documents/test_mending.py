from __future__ import annotations

from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import Workflow
from tenantry.language.documents.parsing import load_document


def workflow(step: dict[str, object], **spec: object) -> Workflow | None:
    raw = {
        "apiVersion": "workflow.io/v1",
        "kind": "Workflow",
        "metadata": {"name": "w"},
        "spec": {"tasks": [{"id": "first", "taskRef": "t"}, step], **spec},
    }
    before = repr(raw)
    mended = mend(load_document(raw), Workflow)
    assert repr(raw) == before
    return mended


def test_a_document_without_mistakes_is_read_whole() -> None:
    mended = workflow({"id": "a", "taskRef": "t"}, maxParallel=3)

    assert mended is not None
    assert mended.spec.max_parallel == 3


def test_wrong_and_unknown_fields_are_left_out_and_the_rest_stays() -> None:
    step = {"id": "a", "taskRef": "t", "timeout": 5, "dependsOn": ["first", 7], "typo": 1}

    mended = workflow({**step, "retry": {"maxAttempts": 0}}, maxParallel="many", deadline="1s")

    assert mended is not None
    assert mended.spec.deadline == 1.0
    assert mended.spec.max_parallel == 16
    assert mended.spec.tasks[1].model_dump(exclude_defaults=True) == {"id": "a", "task_ref": "t"}


def test_what_lacks_a_required_field_cannot_be_mended() -> None:
    assert workflow({"id": "a"}) is None
    assert workflow({"id": "1 2", "taskRef": "t"}) is None
    assert workflow({"id": "a", "taskRef": "t"}, tasks=[1]) is None
    assert mend(load_document({"kind": "Workflow", "spec": []}), Workflow) is None
    assert mend(load_document({"kind": "Workflow", "spec": {"tasks": "none"}}), Workflow) is None


def test_a_document_wrong_in_hundreds_of_places_is_not_mended() -> None:
    right: dict[str, object] = {"id": "a", "taskRef": "b"}
    wrong = right | {f"field{number}": 1 for number in range(40)}

    assert workflow({}, tasks=[right, *(wrong | {} for _ in range(5))]) is not None
    assert workflow({}, tasks=[right, *(wrong | {} for _ in range(6))]) is None
