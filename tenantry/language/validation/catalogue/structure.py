"""WF1xx: fields, and the schemas and expressions in them."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.catalogue.entry import Entry, Frame

STRUCTURE: Final = {
    Code.UNKNOWN_FIELD: Entry(
        title="There is no such field",
        cause="A field nobody knows would be ignored, and what it was meant to do would not happen.",
        fix="Correct its name, or remove it.",
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                input: {userId: 1}
                timout: 2s
            """,
    ),
    Code.MISSING_FIELD: Entry(
        title="A field is missing",
        cause="Nothing can stand in for it.",
        fix="Add the field.",
        example="""
            tasks:
              - taskRef: fetch-user
                input: {userId: 1}
            """,
    ),
    Code.WRONG_TYPE: Entry(
        title="A field holds the wrong type of value",
        cause='Nothing is converted: `5` is not the text `"5"`, and `yes` is text in YAML 1.2.',
        fix="Write a value of the type named; often only quotes are missing, or too many.",
        example="""
            description: 2026
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            """,
    ),
    Code.INVALID_VALUE: Entry(
        title="A field holds a value that is not allowed",
        cause=(
            "The value is of the right type, but outside its bounds, not one of the choices, or badly"
            " written."
        ),
        fix="The message says what is allowed.",
        example="""
            deadline: 5 seconds
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            """,
    ),
    Code.INVALID_SCHEMA: Entry(
        title="A schema is not valid JSON Schema, or not safe",
        cause=(
            "Schemas follow JSON Schema 2020-12. Refused although valid: references to other "
            "documents, patterns that need backtracking, and schemas that grow out of proportion when"
            " written out."
        ),
        fix="Correct the schema at the place named.",
        example="""
            input: {type: object, properties: {userId: {type: int}}}
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            """,
    ),
    Code.DUPLICATE_STEP: Entry(
        title="Two steps have the same id",
        cause="`tasks.<id>` could mean either.",
        fix="Give one of them another id.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
              - {id: user, taskRef: fetch-user, input: {userId: 2}}
            """,
    ),
    Code.TRANSFORM_CHOICE: Entry(
        title="A transform task has not exactly one of `expression` and `value`",
        cause=(
            "Its result is either computed by a JMESPath expression or written as a value with templates."
        ),
        fix="Give one of them.",
        example="type: transform",
        frame=Frame.TASK,
    ),
    Code.INVALID_EXPRESSION: Entry(
        title="An expression is not JMESPath",
        cause="The `expression` of a transform task is read as JMESPath (jmespath.org).",
        fix="Correct it at the place named.",
        example="""
            type: transform
            expression: orders[?status == 'open'
            """,
        frame=Frame.TASK,
    ),
    Code.ACTION_CHOICE: Entry(
        title="An action does not do exactly one thing",
        cause=(
            "A step, a case, a default and an `else` each run a task (`taskRef`), run a workflow "
            "(`workflowRef`), choose (`switch`) or have nested `tasks`; a fallback has either a `taskRef` or "
            "a `value`. With two of them it would not be clear which one counts."
        ),
        fix="Keep one of them. To do several things, nest them as `tasks`.",
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                workflowRef: order-processing
                input: {userId: 1}
            """,
    ),
    Code.USELESS_FIELD: Entry(
        title="A field has no effect where it stands",
        cause=(
            "What the field was meant to do would not happen. `output` is for nested tasks; `retry`, "
            "`circuitBreaker` and `cache` are for calls of tasks, so they belong to steps that make them; "
            "nested tasks take no `input`, because they read what is around them; a fallback that is a "
            "`value` takes none either."
        ),
        fix="Remove the field, or move it to where it has an effect.",
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                input: {userId: 1}
                output: {email: "{{input.email}}"}
            """,
    ),
    Code.CONTRADICTION: Entry(
        title="Two settings contradict each other",
        cause="Each of them is allowed, but together one of them has no effect.",
        fix="Change one of them.",
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                input: {userId: 1}
                retry: {maxAttempts: 3, initialDelay: 5s, maxDelay: 1s}
            """,
        severity=Severity.WARNING,
    ),
    Code.RESPONSE_HEADER: Entry(
        title="A response sets a header that is not its to set",
        cause=(
            "How long the body is and how it is transferred is for the server to say (RFC 9110, 7.6.1), and "
            "its type is `contentType`."
        ),
        fix="Remove the header; give the type of the body as `contentType`.",
        example="""
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            response: {headers: {Content-Length: "42"}}
            """,
    ),
    Code.CONSTANT_KEY: Entry(
        title="An idempotency key does not tell executions apart",
        cause=(
            "An upstream does once whatever comes with the same `Idempotency-Key`. A key that reads neither "
            "the task's input nor `execution.id` is shared by all executions: the first one is done, and the "
            "others get its answer."
        ),
        fix="Read in it what makes the call one of its kind, such as the number of the order it is about.",
        example="""
            type: http
            request:
              method: POST
              url: "https://payments.example.com/charges"
              headers: {Idempotency-Key: charge}
            """,
        frame=Frame.TASK,
        severity=Severity.WARNING,
    ),
}
