"""Documents judged together: each may use the others, and what is wrong with one is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import Library
from tenantry.language.validation.together import TASK_STAND_IN, validate_documents
from tenantry.language.validation.walk import infer_output

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding

TASK = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: double}
spec:
  type: transform
  inputSchema: {type: object, required: [n], properties: {n: {type: integer}}}
  value: {n: "{{input.n}}"}
"""
PARENT = """
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: parent}
spec:
  tasks: [{id: child, workflowRef: child, input: {n: 1}}]
  output: "{{tasks.child.output}}"
"""
CHILD = """
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: child}
spec:
  input: {type: object, required: [n], properties: {n: {type: integer}}}
  tasks: [{id: double, taskRef: double, input: {n: "{{input.n}}"}}]
  output: {twice: "{{tasks.double.output.n}}"}
"""
TENANT = """
apiVersion: workflow.io/v1
kind: WorkflowTenant
metadata: {name: acme}
spec: {nonsense: true}
"""


def documents(*texts: str) -> list[Document]:
    return [
        document
        for number, text in enumerate(texts)
        for document in parse_documents(text, f"file{number}.yaml").documents
    ]


def judge(*texts: str, library: Library | None = None) -> tuple[Library, list[str]]:
    together, findings = validate_documents(documents(*texts), library or Library())
    return together, list(map(told, findings))


def told(finding: Finding) -> str:
    return f"{finding.source} {finding.code}"


def test_each_document_may_use_the_others_whatever_their_order() -> None:
    for texts in ((PARENT, CHILD, TASK), (TASK, CHILD, PARENT)):
        together, findings = judge(*texts)
        assert findings == []
        assert (set(together.tasks), set(together.workflows)) == ({"double"}, {"parent", "child"})


def test_what_the_library_has_may_be_used_and_is_taken_the_place_of() -> None:
    before, _ = judge(TASK)
    assert judge(CHILD, library=before)[1] == []
    other = TASK.replace("required: [n]", "required: [n, m]")
    assert judge(CHILD, other, library=before)[1] == ["file0.yaml WF301"]
    assert before.tasks["double"].spec.input_schema == {
        "type": "object",
        "required": ["n"],
        "properties": {"n": {"type": "integer"}},
    }


def test_what_is_not_there_is_not_known() -> None:
    assert judge(PARENT, CHILD)[1] == ["file1.yaml WF202"]


def test_a_mistake_in_a_task_is_told_once_and_not_where_it_is_used() -> None:
    together, findings = judge(TASK.replace("transform", "transmogrify"), CHILD)
    assert findings == ["file0.yaml WF104"]
    assert together.tasks["double"] is TASK_STAND_IN


def test_a_mistake_in_a_workflow_is_told_once_and_not_where_it_is_run() -> None:
    assert judge(TASK, CHILD.replace("  tasks:", "  deadlin: 5s\n  tasks:"), PARENT)[1] == [
        "file1.yaml WF101"
    ]
    assert judge(TASK, CHILD.replace("[{id: double", "7 #"), PARENT)[1] == ["file1.yaml WF103"]


def test_a_document_in_two_texts_is_told_and_one_without_a_name_is_not_another() -> None:
    _, findings = judge(TASK, TASK)
    assert findings == ["file1.yaml WF014"]
    nameless = TASK.replace("name: double", "")
    assert judge(nameless, nameless)[1] == ["file0.yaml WF102", "file1.yaml WF102"]
    (repeated,) = validate_documents(documents(TASK, TASK), Library())[1]
    assert (repeated.message, repeated.position and repeated.position.line) == (
        "WorkflowTask/double is already in file0.yaml",
        2,
    )


def test_other_kinds_are_passed_over() -> None:
    assert judge(TENANT) == (Library(), [])


def workflow(name: str, *references: str, schema: str = "{}") -> str:
    steps = ", ".join(
        f"{{id: s{number}, workflowRef: {reference}}}" for number, reference in enumerate(references)
    )
    return (
        f"apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {{name: {name}}}\n"
        f"spec: {{input: {schema}, tasks: [{steps}]}}\n"
    )


def test_what_a_workflow_gives_is_found_out_once_for_all_that_run_it() -> None:
    library, _ = judge(workflow("a", "c", "c"), workflow("b", "c"), workflow("c", "d"), workflow("d", "gone"))

    assert set(library.memory.results) == {"c", "d"}
    assert not library.memory.results["c"].can_run


def test_what_a_workflow_of_the_library_gives_can_be_asked_for() -> None:
    library, _ = judge(TASK, CHILD, PARENT)

    assert infer_output(library.workflows["parent"], library) == infer_output(
        library.workflows["child"], library
    )


def test_every_workflow_of_a_knot_is_told_a_way_back_to_itself() -> None:
    names = ("a", "b", "c")

    _, findings = validate_documents(documents(*(workflow(name, *names) for name in names)), Library())

    assert [finding.message for finding in findings] == [
        f"{name} would run itself: "
        + (f"{name} -> {name}" if name == other else f"{name} -> {other} -> {name}")
        for name in names
        for other in names
    ]


def test_the_comparisons_of_all_workflows_share_a_budget() -> None:
    takes = "{type: string, pattern: '^(a|b)*b(a|b){%d}$'}"
    gives = "{type: string, pattern: '^(a|b)*a(a|b){20}$'}"
    child = workflow("child-%d", "gone", schema=takes)
    caller = workflow("caller-%d", "child-%d, input: '{{input}}'", schema=gives)
    texts = [text for one in range(10, 20) for text in (child % (one, one), caller % (one, one))]

    _, findings = validate_documents(documents(*texts), Library())

    told = [finding.message for finding in findings if finding.code == "WF309"]
    assert len(told) == 10
    assert "is not known: the comparisons before it took all the work there may be" not in told[0]
    assert "is not known: the comparisons before it took all the work there may be" in told[-1]
