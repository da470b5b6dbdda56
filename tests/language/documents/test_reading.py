from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from tenantry.language.codes import Code
from tenantry.language.documents.model import Model, Resource, Retention, Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tests.support.language import cases, edited

if TYPE_CHECKING:
    from tenantry.language.findings import Finding

HERE = Path(__file__).parent

WORKFLOW = """\
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: order-summary, labels: {team: shop}, annotations: {example.com/note: "any: text"}}
spec:
  description: What a customer ordered
  input: {type: object}
  deadline: 1.5s
  durability: none
  maxParallel: 4
  tasks:
    - id: user
      taskRef: fetch-user
      input: {userId: "{{input.userId}}"}
    - id: orders
      taskRef: list-orders
      dependsOn: [user]
      condition: {if: "{{input.deep}}"}
      timeout: 250ms
      retry: {maxAttempts: 3, initialDelay: 0s, maxDelay: 2m, multiplier: 3, jitter: false,
              retryOn: [5xx, 429]}
  output: {email: "{{tasks.user.output.email}}"}
  retention: {executionHistory: 7y, taskTraces: 36h}
"""

TASK = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fetch-user}
spec:
  type: http
  request:
    method: POST
    url: "https://example.com/{{input.id}}"
    headers: {X-Trace: "1"}
    query: {expand: [a, 1, true, null], page: 2}
    body: {any: [1, {x: null}]}
  successStatus: [2xx, 404]
  idempotent: true
  output: response
"""


def findings_of(text: str) -> list[Finding]:
    (document,) = parse_documents(text).documents
    model, findings = read(document, WorkflowTask if document.kind == "WorkflowTask" else Workflow)
    assert model is None
    return list(findings)


def told(text: str) -> list[str]:
    return [str(finding).removeprefix("<input>:") for finding in findings_of(text)]


def test_a_workflow_reads_as_its_model() -> None:
    workflow, findings = read(parse_documents(WORKFLOW).documents[0], Workflow)

    assert findings == ()
    assert workflow is not None
    assert workflow.name == "order-summary"
    assert workflow.metadata.labels == {"team": "shop"}
    spec = workflow.spec
    assert (spec.deadline, spec.durability, spec.max_parallel) == (1.5, "none", 4)
    assert spec.output == {"email": "{{tasks.user.output.email}}"}
    assert spec.retention == Retention.model_validate({"executionHistory": "2555d", "taskTraces": "36h"})
    user, orders = spec.tasks
    assert (user.id, user.task_ref, user.depends_on, user.condition, user.timeout, user.retry) == (
        "user",
        "fetch-user",
        (),
        None,
        None,
        None,
    )
    assert orders.input == {}
    assert orders.condition is not None
    assert orders.condition.if_ == "{{input.deep}}"
    assert orders.timeout == 0.25
    assert orders.retry is not None
    assert orders.retry.model_dump() == {
        "max_attempts": 3,
        "initial_delay": 0.0,
        "max_delay": 120.0,
        "multiplier": 3.0,
        "jitter": False,
        "retry_on": ("5xx", "429"),
    }


@pytest.mark.parametrize("period", ["1d", "24h", "7y", "2555d", "61320h"])
def test_data_is_kept_from_a_day_to_seven_years(period: str) -> None:
    kept = Retention.model_validate({"taskTraces": period})
    assert kept.execution_history is None
    assert kept.task_traces is not None
    assert 86_400 <= kept.task_traces <= 7 * 365 * 86_400


@pytest.mark.parametrize("period", ["23h", "0d", "8y", "2556d", "1.5d", "90m", "d", "-1d", 90, True, []])
def test_no_other_period_is_taken(period: object) -> None:
    text = edited(WORKFLOW, "taskTraces: 36h", f"taskTraces: {json.dumps(period)}")
    (finding,) = findings_of(text)
    assert "spec.retention.taskTraces" in finding.message


def test_a_task_reads_as_its_model() -> None:
    task, findings = read(parse_documents(TASK).documents[0], WorkflowTask)

    assert findings == ()
    assert task is not None
    assert task.spec.type == "http"
    assert task.spec.success_status == ("2xx", "404")
    assert task.spec.request.query == {"expand": ["a", 1, True, None], "page": 2}
    assert (task.spec.idempotent, task.spec.output, task.spec.timeout) == (True, "response", 30.0)


@pytest.mark.parametrize(("old", "new", "message"), cases(HERE / "wrong_tasks.txt"))
def test_a_wrong_part_of_a_task_is_named_with_its_place(old: str, new: str, message: str) -> None:
    assert "\n".join(told(edited(TASK, old, new))) == message


@pytest.mark.parametrize(("old", "new", "message"), cases(HERE / "wrong_workflows.txt"))
def test_a_wrong_part_of_a_workflow_is_named_with_its_place(old: str, new: str, message: str) -> None:
    assert "\n".join(told(edited(WORKFLOW, old, new))) == message


def test_null_stands_for_a_field_that_is_left_out() -> None:
    assert read(parse_documents(TASK + "  inputSchema: null\n").documents[0], WorkflowTask)[1] == ()


def test_everything_wrong_is_told_at_once_in_the_order_of_the_text() -> None:
    broken = WORKFLOW.replace("id: user", "name: user").replace("1.5s", "soon").replace("[user]", "{}")

    assert [str(finding.code) for finding in findings_of(broken)] == ["WF104", "WF102", "WF101", "WF103"]


def test_a_mistyped_field_is_not_missing_as_well() -> None:
    assert [
        str(finding.code) for finding in findings_of(WORKFLOW.replace("taskRef: fetch", "taskref: fetch"))
    ] == ["WF101"]


def test_a_list_whose_entries_are_refused_is_not_too_short_as_well() -> None:
    text = WORKFLOW[: WORKFLOW.index("  tasks:")] + "  tasks: [1]\n"

    assert told(text) == ["10:11: error WF103: spec.tasks[0] must be a mapping, not an integer"]


def test_a_field_without_a_near_name_lists_the_few_there_are() -> None:
    (finding,) = findings_of(WORKFLOW.replace("{if:", "{when: 1, if:"))

    assert finding.suggestion == "known here: else, if"


def test_what_an_author_wrote_is_shown_only_in_part_when_it_is_long() -> None:
    (finding,) = findings_of(TASK.replace("fetch-user", "x" * 1000))

    assert finding.message.startswith('metadata.name is "' + "x" * 59 + "…: a name is")


def test_findings_name_document_source_and_pointer() -> None:
    (document,) = parse_documents(TASK.replace("POST", "POTS"), "tasks/user.yaml").documents
    _, (finding,) = read(document, WorkflowTask)

    assert finding.source == "tasks/user.yaml"
    assert finding.document == "WorkflowTask/fetch-user"
    assert finding.pointer == "/spec/request/method"


@pytest.mark.parametrize(("steps", "left_out"), [(51, 2), (400, 701)])
def test_a_hundred_findings_are_listed_and_the_rest_counted(steps: int, left_out: int) -> None:
    # Of many steps it is counted, too, that the list of steps is then too short; of few that is told apart.
    envelope = {"apiVersion": "workflow.io/v1", "kind": "Workflow", "metadata": {"name": "w"}}
    _, findings = read(load_document({**envelope, "spec": {"tasks": [{"zz": 1}] * steps}}), Workflow)

    assert len(findings) == 101
    assert (findings[-1].code, findings[-1].message) == ("WF016", f"{left_out} more findings are not listed")


def test_names_are_not_guessed_for_findings_that_are_not_listed() -> None:
    report = Report(load_document({}))
    assert report.nearest("idd", ["id"]) == "id"

    for number in range(100):
        report.add(Code.UNKNOWN_FIELD, f"there is no {number}", "")

    assert report.nearest("idd", ["id"]) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"tasks": [{"idd": 1}] * 501}, "it may have at most 500 entries"),
        ({"tasks": [{"id": "a", "taskRef": "b", "dependsOn": [1] * 501}]}, "it may have at most 500 entries"),
        ({"tasks": [{f"f{number}": 1 for number in range(51)}]}, "it may have at most 50 entries"),
    ],
)
def test_what_is_far_too_long_is_told_once_and_not_looked_into(spec: object, message: str) -> None:
    envelope = {"apiVersion": "workflow.io/v1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": spec}

    model, (finding,) = read(load_document(envelope), Workflow)

    assert model is None
    assert finding.message.endswith(message)


class Cat(Model):
    kind: Literal["cat"]
    lives: int = 9


class Dog(Model):
    kind: Literal["dog"]


class Zoo(BaseModel):
    animals: dict[str, Annotated[Cat | Dog, Field(discriminator="kind")]] = {}
    star: Annotated[Cat | None, Field(description="the favourite")] = None
    visitors: list[int] = []
    keepers: list[dict[str, int]] | None = None
    size: int | bool = 0

    @field_validator("visitors")
    @classmethod
    def few(cls, value: list[int]) -> list[int]:
        if len(value) > 1:
            raise ValueError("one visitor at a time")
        return value


def test_any_spec_can_be_read_in_the_common_envelope() -> None:
    document = load_document(
        {
            "apiVersion": "workflow.io/v1",
            "kind": "Zoo",
            "metadata": {"name": "z"},
            "spec": {
                "animals": {"tom": {"kind": "cat", "lifes": 7}, "rex": {"kind": "dgo"}},
                "star": {"kind": "cat", "lives": None},
                "visitors": [1, 2],
                "keepers": [{}, {"ann": 1.5}],
                "size": [],
            },
        }
    )

    zoo, findings = read(document, Resource[Zoo])

    assert zoo is None
    assert [(finding.pointer, finding.message, finding.suggestion) for finding in findings] == [
        ("/spec/animals/tom/lifes", 'spec.animals.tom has no field "lifes"', 'did you mean "lives"?'),
        (
            "/spec/animals/rex/kind",
            'spec.animals.rex.kind is "dgo"; it must be "cat" or "dog"',
            'did you mean "dog"?',
        ),
        ("/spec/star/lives", "spec.star.lives must be an integer, not null", ""),
        ("/spec/visitors", "spec.visitors is [1,2]: one visitor at a time", ""),
        (
            "/spec/keepers/1/ann",
            "spec.keepers[1].ann must be an integer, not a number",
            "",
        ),
        ("/spec/size/int", "spec.size.int must be an integer, not a list", ""),
        ("/spec/size/bool", "spec.size.bool must be a boolean, not a list", ""),
    ]
