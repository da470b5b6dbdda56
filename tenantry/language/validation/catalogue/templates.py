"""WF2xx: templates, conditions, and what they refer to."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
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
            "workflow around it."
        ),
        fix="Let the step that uses the task give it the value in its `input`.",
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
}
