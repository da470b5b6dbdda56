from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.report import Report
from tenantry.language.validation.deadline_table import MAX_ROWS
from tenantry.language.validation.deadlines import check_deadline
from tenantry.language.validation.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.language.documents.model import Step
    from tenantry.language.findings import Finding

TIMES = "\N{MULTIPLICATION SIGN}"
TASK = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: %s}
spec: {type: http, timeout: %s, request: {url: "https://x.example.com/"}, %s}
"""
RETRY = "retry: {maxAttempts: 3, initialDelay: 100ms, maxDelay: 150ms}"
TASKS = "---\n".join(
    TASK % (name, timeout, more)
    for name, timeout, more in (
        ("user", "1s", ""),
        ("orders", "2s", RETRY),
        ("price", "500ms", ""),
        ("audit", "300ms", ""),
        ("slow-waits", "10ms", "retry: {maxAttempts: 3, initialDelay: 5s, maxDelay: 5s}"),
    )
)


def workflow_text(spec: str, name: str = "w") -> str:
    return (
        f"apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{indent(spec, '  ')}"
    )


def library(*workflows: str) -> Library:
    documents = parse_documents("---\n".join((TASKS, *workflows))).documents
    tasks = [WorkflowTask.model_validate(one.raw) for one in documents if one.kind == "WorkflowTask"]
    others = [Workflow.model_validate(one.raw) for one in documents if one.kind == "Workflow"]
    return Library(tasks={one.name: one for one in tasks}, workflows={one.name: one for one in others})


def judged(
    spec: str, *others: str, waits: Callable[[Step], Iterable[str]] | None = None
) -> tuple[Finding, ...]:
    (document,) = parse_documents(workflow_text(spec)).documents
    report = Report(document)
    workflow = Workflow.model_validate(document.raw)
    if waits is None:
        check_deadline(workflow, library(*others), report)
    else:
        check_deadline(workflow, library(*others), report, waits)
    return report.findings()


CHAIN = """\
deadline: %s
tasks:
  - {id: user, taskRef: user}
  - {id: orders, taskRef: orders, dependsOn: [user]}
  - {id: audit, taskRef: audit}
"""


def test_a_workflow_that_may_take_longer_than_its_deadline_is_warned_about() -> None:
    (finding,) = judged(CHAIN % "5s")

    assert (finding.code, finding.severity, finding.pointer) == ("WF507", "warning", "/spec/deadline")
    assert finding.position is not None
    assert (finding.position.line, finding.position.column) == (5, 13)
    assert finding.message == ("in the worst case this takes 7.25s, and the deadline is 5s: user -> orders")
    assert finding.suggestion == "a timeout of 1.2s for orders fits"
    assert (
        finding.details.replace(TIMES, "*")
        == """\
step    does    attempts * timeout  waits  total    sum
user    user    1 * 1s                        1s     1s
orders  orders  3 * 2s              250ms  6.25s  7.25s"""
    )


@pytest.mark.parametrize(("deadline", "findings"), [("7249ms", 1), ("7250ms", 0), ("8s", 0)])
def test_a_worst_case_of_exactly_the_deadline_fits(deadline: str, findings: int) -> None:
    assert len(judged(CHAIN % deadline)) == findings


def test_sums_are_not_thrown_off_by_binary_fractions() -> None:
    steps = ", ".join(
        f"{{id: s{i}, taskRef: audit, timeout: 100ms, dependsOn: [{f's{i - 1}' if i else ''}]}}"
        for i in range(3)
    )

    assert judged(f"deadline: 300ms\ntasks: [{steps}]") == ()
    assert len(judged(f"deadline: 299ms\ntasks: [{steps}]")) == 1


def test_without_a_written_deadline_nothing_is_compared() -> None:
    spec = "%stasks: [{id: a, taskRef: user, timeout: 40s}]"

    assert judged(spec % "") == ()
    assert judged(spec % "deadlinePolicy: warn\n") == ()
    (finding,) = judged(spec % "deadlinePolicy: strict\n")
    assert (finding.severity, finding.pointer) == ("error", "/spec/deadlinePolicy")
    assert "takes 40s, and the deadline is 30s: a" in finding.message


def test_a_strict_policy_refuses_at_the_written_deadline() -> None:
    (finding,) = judged("deadlinePolicy: strict\n" + CHAIN % "5s")

    assert (finding.severity, finding.pointer) == ("error", "/spec/deadline")


@pytest.mark.parametrize(
    "tasks",
    [
        "{id: a, taskRef: user, dependsOn: [b]}, {id: b, taskRef: user, dependsOn: [a]}",
        '{id: a, taskRef: user, condition: {if: "=="}}',
    ],
)
def test_what_is_told_elsewhere_is_not_judged(tasks: str) -> None:
    assert judged(f"deadline: 1ms\ntasks: [{tasks}]") == ()


def test_who_knows_what_steps_wait_for_may_say_so() -> None:
    spec = "deadline: 1.5s\ntasks: [{id: a, taskRef: user}, {id: b, taskRef: user}]"

    assert judged(spec) == ()
    (finding,) = judged(spec, waits=lambda step: ["a"] if step.id == "b" else [])
    assert finding.message.endswith("a -> b")


def test_a_loop_of_unknown_length_is_told_as_at_least() -> None:
    (finding,) = judged("""\
deadline: 1s
tasks: [{id: all, taskRef: orders, forEach: {items: "{{input.orders}}"}}]
""")

    assert "takes at least 6.25s, and" in finding.message
    assert finding.details.splitlines()[1].split()[-3:] == ["≥", "6.25s", "6.25s"]


@pytest.mark.parametrize(
    ("loop", "total"),
    [
        ("items: [1, 2, 3], maxParallel: 1", "1.5s"),
        ('items: "{{input.orders}}", maxItems: 4, maxParallel: 2', "1s"),
        ('items: "{{input.orders}}", maxParallel: 2', "2.5s"),  # at most ten, says the schema
    ],
)
def test_known_items_are_counted_in_rounds(loop: str, total: str) -> None:
    (finding,) = judged(f"""\
deadline: 100ms
input: {{type: object, required: [orders], properties: {{orders: {{type: array, maxItems: 10}}}}}}
tasks: [{{id: all, taskRef: price, forEach: {{{loop}}}}}]
""")

    assert f"takes {total}, and" in finding.message


EVERYTHING = """\
deadline: 10s
tasks:
  - {id: user, taskRef: orders, fallback: {taskRef: user}}
  - id: departments
    dependsOn: [user]
    forEach: {items: [1, 2, 3], maxParallel: 1}
    tasks:
      - {id: employees, forEach: {items: [1, 2, 3, 4], maxParallel: 2}, taskRef: price}
      - {id: notify, taskRef: audit, dependsOn: [employees]}
  - {id: bill, workflowRef: billing, timeout: 2s, dependsOn: [departments]}
"""
BILLING = "deadline: 3s\ntasks: [{id: charge, taskRef: orders}]"


def test_the_table_shows_what_is_on_the_path_inside_of_steps() -> None:
    (finding,) = judged(EVERYTHING, workflow_text(BILLING, "billing"))

    assert (
        finding.details.replace(TIMES, "*")
        == """\
step         does     attempts * timeout  waits  total     sum
user         orders   3 * 2s              250ms  7.25s   7.25s
  fallback   user     1 * 1s                        1s
departments           3 rounds                    3.9s  11.15s
  employees  price    2 * (1 * 500ms)               1s
  notify     audit    1 * 300ms                  300ms
bill         billing  at most 2s                    2s  13.15s
  charge     orders   3 * 2s              250ms  6.25s"""
    )
    assert finding.message.endswith("user -> departments -> bill")


def test_a_long_path_is_cut_in_the_message_and_in_the_table() -> None:
    def chain(length: int) -> Finding:
        steps = "\n".join(
            f"  - {{id: s{i}, taskRef: user, dependsOn: [{f's{i - 1}' if i else ''}]}}" for i in range(length)
        )
        return judged(f"deadline: 1ms\ntasks:\n{steps}\n")[0]

    assert chain(10).message.endswith(": " + " -> ".join(f"s{i}" for i in range(10)))
    assert chain(11).message.endswith(": s0 -> s1 -> s2 -> s3 -> s4 -> … -> s6 -> s7 -> s8 -> s9 -> s10")
    assert len(chain(MAX_ROWS).details.splitlines()) == MAX_ROWS + 1
    assert chain(MAX_ROWS).details.splitlines()[-1].startswith("s39 ")
    assert chain(MAX_ROWS + 1).details.splitlines()[-2:] == [chain(MAX_ROWS).details.splitlines()[-1], "…"]


ROUNDS = """\
[{match: 1, taskRef: price, forEach: {items: [1, 2, 3], maxParallel: 1}},
 {match: 2, taskRef: audit, forEach: {items: [1, 2, 3, 4], maxParallel: 1}}]"""
UNEVEN = """\
[{match: 1, taskRef: slow-waits},
 {match: 2, taskRef: orders, forEach: {items: [1, 2], maxParallel: 1}}]"""


@pytest.mark.parametrize(
    ("spec", "advice"),
    [
        # the longest step comes first
        (CHAIN % "7s", "a timeout of 1.9s for orders fits"),
        # two digits are told, rounded down
        (CHAIN % "7.2s", "a timeout of 1.9s for orders fits"),
        (CHAIN % "4.75s", "a timeout of 1.1s for orders fits"),
        (CHAIN % "4.85s", "a timeout of 1.2s for orders fits"),
        # to a tenth of the timeout there is, and no further
        (CHAIN % "1850ms", "a timeout of 200ms for orders fits"),
        (
            CHAIN % "1849ms",
            "no change of one timeout is enough: shorten several, or have a deadline of 7.25s",
        ),
        # nested tasks and sub-workflows are bounded as a whole
        (
            "deadline: 2s\ntasks: [{id: a, workflowRef: billing, forEach: {items: [1, 2], maxParallel: 1}}]",
            "a timeout of 1s for a fits",
        ),
        (
            "deadline: 3s\ntasks: [{id: a, tasks: [{id: b, taskRef: orders}], fallback: {taskRef: user}}]",
            "a timeout of 2s for a fits",
        ),
        # what another path takes cannot be helped here
        (
            "deadline: 1s\ntasks: [{id: a, taskRef: user, timeout: 2s}, {id: b, taskRef: user, timeout: 3s}]",
            "no change of one timeout is enough: shorten several, or have a deadline of 3s",
        ),
        # the branch that is not the worst may become it
        (
            f"deadline: 5s\ntasks: [{{id: a, switch: {{value: 1, cases: {UNEVEN}}}}}]",
            "no change of one timeout is enough: shorten several, or have a deadline of 12.5s",
        ),
        (
            f"deadline: 1.4s\ntasks: [{{id: a, switch: {{value: 1, cases: {ROUNDS}}}}}]",
            "no change of one timeout is enough: shorten several, or have a deadline of 1.5s",
        ),
        # another path that takes exactly as long as it may is no obstacle
        (
            "deadline: 1s\ntasks: [{id: a, taskRef: user, timeout: 3s}, {id: b, taskRef: user}]",
            "a timeout of 1s for a fits",
        ),
        # less than a millisecond is no timeout
        (
            "deadline: 0.9ms\ntasks: [{id: a, taskRef: user, timeout: 5ms}]",
            "no change of one timeout is enough: shorten several, or have a deadline of 5ms",
        ),
        ("deadline: 1.2ms\ntasks: [{id: a, taskRef: user, timeout: 5ms}]", "a timeout of 1.2ms for a fits"),
        # the waits alone are too long
        (
            "deadline: 9s\ntasks: [{id: a, taskRef: slow-waits}]",
            "no change of one timeout is enough: shorten several, or have a deadline of 10.03s",
        ),
        (
            'deadline: 9s\ntasks: [{id: a, taskRef: slow-waits, forEach: {items: "{{input.x}}"}}]',
            "no change of one timeout is enough: shorten several, or have a deadline of at least 10.03s",
        ),
    ],
)
def test_the_suggestion_is_a_timeout_that_fits(spec: str, advice: str) -> None:
    (finding,) = judged(spec, workflow_text(BILLING, "billing"))

    assert finding.suggestion == advice


@pytest.mark.parametrize("deadline", ["7s", "7.2s", "4.75s", "4.85s", "1850ms", "3333ms"])
def test_the_suggestion_carried_out_leaves_no_finding_and_a_tenth_more_does(deadline: str) -> None:
    (finding,) = judged(CHAIN % deadline)
    timeout = float(finding.suggestion.split()[3].replace("200ms", "0.2s").replace("690ms", "0.69s")[:-1])

    def with_timeout(seconds: float) -> str:
        step = f"taskRef: orders, timeout: {seconds:.6f}s,"
        return (CHAIN % deadline).replace("taskRef: orders,", step)

    assert judged(with_timeout(timeout)) == ()
    assert len(judged(with_timeout(timeout * 1.1))) == 1
