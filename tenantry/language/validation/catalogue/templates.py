"""WF2xx: templates, conditions, and what they refer to."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.catalogue.entry import Entry, Frame

TEMPLATES: Final = {
    Code.TEMPLATE_SYNTAX: Entry(
        title="A template is badly written",
        cause=(
            "A template is `{{ path }}` or `{{ path ?? default }}`; a path begins with `input`, "
            "`tasks`, `workflow`, `execution`, `tenant` or `secrets`."
        ),
        fix="Correct it at the place named.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: "{{input.userId"}}
            """,
    ),
    Code.UNKNOWN_TASK: Entry(
        title="There is no such task",
        cause=(
            "`taskRef` names a WorkflowTask of the tenant, or one that is applied together with the "
            "workflow. A task with errors does not count."
        ),
        fix="Correct the name, or apply the task first.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-users, input: {userId: 1}}
            """,
    ),
    Code.UNKNOWN_STEP: Entry(
        title="A template reads a step that does not exist",
        cause="`tasks.<id>` names a step of the same workflow by its id.",
        fix="Correct the id.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
              - {id: orders, taskRef: list-orders, input: {customer: "{{tasks.usr.output.id}}"}}
            """,
    ),
    Code.UNKNOWN_PATH: Entry(
        title="A template reads a field that is not there",
        cause=(
            "The schema of the value says which fields it has, and this is none of them. A schema "
            "that declares fields is taken to declare all of them, unless it has "
            "`additionalProperties`."
        ),
        fix=(
            "Correct the path, or declare the field in the schema. With a default (`??`) an "
            "undeclared field is fine, and only a name very like a declared one gives a warning."
        ),
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
            output: "{{tasks.user.output.emial}}"
            """,
    ),
    Code.NOT_READABLE_HERE: Entry(
        title="A template reads what cannot be read here",
        cause=(
            "A task is used by many workflows, so its own templates see its input and not the "
            "workflow around it. Nested tasks are read inside the step they are nested in and nowhere else, "
            "`forEach` inside a loop, and by a compensation what its step has waited for."
        ),
        fix=(
            "Let the step that uses the task give it the value in its `input`; let a step with nested tasks "
            "give what others need in its `output`."
        ),
        example="""
            type: http
            request: {method: GET, url: "https://example.com/{{tasks.user.output.id}}"}
            """,
        frame=Frame.TASK,
    ),
    Code.CONDITION_SYNTAX: Entry(
        title="A condition is badly written",
        cause="A condition is made of templates and literals with `== != > < >= <= && || ! in ( )`.",
        fix="Correct it at the place named.",
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                input: {userId: 1}
                condition: {if: "{{input.count}} = 3"}
            """,
    ),
    Code.UNKNOWN_WORKFLOW: Entry(
        title="There is no such workflow",
        cause=(
            "`workflowRef` names a workflow of the same namespace, or one of another namespace of the tenant "
            "as `namespace/name`. A workflow with errors does not count."
        ),
        fix="Correct the name, or apply the workflow first.",
        example="tasks: [{id: order, workflowRef: order-processing}]",
    ),
    Code.UNKNOWN_VERSION: Entry(
        title="The workflow has no such version",
        cause="`name@v2` is a version, `name@stable` a label, `name@sha256:...` a content hash.",
        fix="Correct what stands behind the `@`, or leave it out to run the current version.",
        example="tasks: [{id: again, workflowRef: example@v7}]",
    ),
    Code.UNKNOWN_ITEM: Entry(
        title="A template reads the item of a loop that is not there",
        cause=(
            "`forEach.<itemVar>` is the item of a loop around the template, `forEach.$parent.<itemVar>` that "
            "of the loop around the innermost one, `forEach.$root.<itemVar>` that of the outermost one. "
            "`item` is its name where `itemVar` gives none."
        ),
        fix="Correct the name, or write it in the loop's `itemVar`.",
        example="""
            tasks:
              - id: users
                forEach: {items: [1, 2], itemVar: user}
                taskRef: fetch-user
                input: {userId: "{{forEach.usr}}"}
            """,
    ),
    Code.NOT_A_LOOP: Entry(
        title="A template reads the items of a step that has no loop",
        cause="`tasks.<id>.forEach` is there for steps with a `forEach` of their own.",
        fix="Read `tasks.<id>.output`, or give the step a `forEach`.",
        example="""
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            output: "{{tasks.user.forEach.outputs}}"
            """,
    ),
    Code.SHADOWED_ITEM: Entry(
        title="A loop calls its item like a loop around it",
        cause="Inside, the name means the inner item, which is easily misread.",
        fix="Give one of the loops another `itemVar`.",
        example="""
            tasks:
              - id: groups
                forEach: {items: [[1], [2]]}
                tasks:
                  - id: users
                    forEach: {items: "{{forEach.item}}"}
                    taskRef: fetch-user
                    input: {userId: "{{forEach.item}}"}
            """,
        severity=Severity.WARNING,
    ),
}
