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
    Code.TASK_NOT_ALLOWED: Entry(
        title="The tenant may not use the task",
        cause="`allowedTaskRefs` of the tenant does not take in this name.",
        fix="Use another task, or have an operator of the platform allow this one.",
        example="""
            tasks:
              - {id: audit, taskRef: internal-audit}
            """,
    ),
    Code.SECRET_NOT_DECLARED: Entry(
        title="A secret is not declared",
        cause="Secrets cannot be declared yet, so none can be read.",
        fix="Leave it out.",
        example="""
            type: http
            request:
              method: GET
              url: https://example.com/
              headers: {Authorization: "Bearer {{secrets.TOKEN}}"}
            """,
        frame=Frame.TASK,
    ),
}
