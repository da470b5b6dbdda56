"""WF4xx and WF5xx: the graph of a workflow, and what its tenant allows."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.validation.catalogue.entry import Entry, Frame

GRAPH_AND_POLICY: Final = {
    Code.CYCLE: Entry(
        title="Steps wait for each other",
        cause=(
            "A step runs after every step it depends on or reads, so none of these could ever begin. "
            "The message draws the cycle: each step runs before the one after the arrow."
        ),
        fix="Take out one of the dependencies.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}, dependsOn: [orders]}
              - {id: orders, taskRef: list-orders, input: {customer: "{{tasks.user.output.id}}"}}
            """,
    ),
    Code.UNKNOWN_DEPENDENCY: Entry(
        title="A step depends on one that does not exist",
        cause="`dependsOn` lists ids of steps of the same workflow.",
        fix="Correct the id, or remove it.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
              - {id: orders, taskRef: list-orders, input: {customer: 1}, dependsOn: [users]}
            """,
    ),
    Code.WORKFLOW_CYCLE: Entry(
        title="Workflows run each other",
        cause="None of them would ever end. The message draws the cycle: each runs the one after the arrow.",
        fix="Take one of the references out.",
        example="tasks: [{id: again, workflowRef: example}]",
    ),
    Code.LOOP_DEPTH: Entry(
        title="Loops are nested too deeply",
        cause="Each level multiplies the work. A tenant may nest three, unless its settings say otherwise.",
        fix="Move the inner loops into a workflow of their own.",
        example="""
            tasks:
              - id: a
                forEach: {items: [1], itemVar: one}
                tasks:
                  - id: b
                    forEach: {items: [1], itemVar: two}
                    tasks:
                      - id: c
                        forEach: {items: [1], itemVar: three}
                        tasks:
                          - id: d
                            forEach: {items: [1], itemVar: four}
                            taskRef: fetch-user
                            input: {userId: 1}
            """,
    ),
    Code.WORKFLOW_DEPTH: Entry(
        title="Workflows run workflows too deeply",
        cause="Below a workflow there are at most five levels of workflows.",
        fix="Run the innermost ones directly.",
        example="""
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: a},
             spec: {tasks: [{id: x, workflowRef: b}]}}
            ---
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: b},
             spec: {tasks: [{id: x, workflowRef: c}]}}
            ---
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: c},
             spec: {tasks: [{id: x, workflowRef: d}]}}
            ---
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: d},
             spec: {tasks: [{id: x, workflowRef: e}]}}
            ---
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: e},
             spec: {tasks: [{id: x, workflowRef: f}]}}
            ---
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: f},
             spec: {tasks: [{id: x, workflowRef: g}]}}
            ---
            {apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: g},
             spec: {tasks: [{id: x, taskRef: t}]}}
            ---
            {apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: t},
             spec: {type: transform, value: 1}}
            """,
        frame=Frame.TEXT,
    ),
    Code.TASK_NOT_ALLOWED: Entry(
        title="The tenant may not use the task",
        cause="`allowedTaskRefs` of the tenant does not take in this name.",
        fix="Use another task, or have an operator of the platform allow this one.",
        example="""
            tasks:
              - {id: audit, taskRef: internal-audit}
            """,
    ),
}
