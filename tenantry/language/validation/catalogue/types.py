"""WF3xx: what flows between steps, and what conditions compare."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.catalogue.entry import Entry, Frame

TYPES: Final = {
    Code.MISSING_INPUT: Entry(
        title="A step does not give what its task requires",
        cause="The task's `inputSchema` requires the field, so the task would refuse every such input.",
        fix="Add the field to the step's `input`.",
        example="tasks: [{id: user, taskRef: fetch-user}]",
    ),
    Code.TYPE_MISMATCH: Entry(
        title="A step gives what its task does not take",
        cause=(
            "The value, or a value that the schema of its source allows, is refused by the `inputSchema` of "
            "the task, or the `input` of the workflow. The finding carries such an input as its "
            "`counterexample`."
        ),
        fix="Give another value, or change one of the two schemas.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
              - {id: orders, taskRef: list-orders, input: {customer: "{{tasks.user.output.email}}"}}
            """,
    ),
    Code.UNKNOWN_INPUT: Entry(
        title="A step gives a field that its task does not declare",
        cause=(
            "A task with `additionalProperties: false` refuses it. Any other task may ignore it, "
            "which is a warning when the name is very like one that is declared."
        ),
        fix="Correct the name, or remove the field.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1, expand: true}}
            """,
    ),
    Code.MAY_BE_SKIPPED: Entry(
        title="A template reads the output of a step that may have none",
        cause=(
            "A step with a condition may be skipped, and one that is optional may fail; its output is then "
            "null, and null has no fields."
        ),
        fix=(
            "Give a default with `??`, or give the reading step a condition that asks for it, such as "
            "`{{tasks.<id>.output}} != null` or `{{tasks.<id>.status}} == 'completed'`."
        ),
        example="""
            tasks:
              - id: user
                taskRef: fetch-user
                input: {userId: 1}
                condition: {if: "{{input.detailed}}"}
            output: "{{tasks.user.output.email}}"
            """,
    ),
    Code.MAY_BE_MISSING: Entry(
        title="A template reads a field that may be missing",
        cause=(
            "The schema declares the field but does not require it, and where it is missing the "
            "execution fails."
        ),
        fix="Give a default with `??`, or require the field in the schema if it is always there.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
            output: "{{tasks.user.output.tier}}"
            """,
    ),
    Code.CONDITION_TYPE: Entry(
        title="A condition compares what cannot be compared",
        cause=(
            "Nothing is converted: a text is never equal to a number, only numbers and texts have an "
            "order, `in` takes a list on its right, and what `!`, `&&`, `||` and the condition itself"
            " take is a boolean."
        ),
        fix="Compare values of one type.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
              - id: orders
                taskRef: list-orders
                input: {customer: 1}
                condition: {if: "{{tasks.user.output.email}} == 5"}
            """,
    ),
    Code.NEVER_EQUAL: Entry(
        title="A comparison is never true",
        cause="The schema lists the values there can be, and the one it is compared with is none of them.",
        fix="Correct the value, or add it to the schema.",
        example="""
            tasks:
              - {id: user, taskRef: fetch-user, input: {userId: 1}}
              - id: orders
                taskRef: list-orders
                input: {customer: 1}
                condition: {if: "{{tasks.user.output.tier ?? 'free'}} == 'por'"}
            """,
        severity=Severity.WARNING,
    ),
    Code.ITEMS_TYPE: Entry(
        title="A loop does not get a list",
        cause="`forEach.items` is the list that is gone through; what may be null or another value is none.",
        fix="Give a list; where it may be missing or null, a default: `?? []`.",
        example="""
            input: {type: object, required: [ids], properties: {ids: {type: [array, "null"]}}}
            tasks:
              - id: users
                forEach: {items: "{{input.ids}}"}
                taskRef: fetch-user
                input: {userId: 1}
            """,
    ),
    Code.UNDECIDED: Entry(
        title="Whether a task takes what it is given was not decided",
        cause=(
            "Comparing schemas takes a bounded number of steps, and some keywords have no exact answer. The "
            "message says what was too hard."
        ),
        fix="Simplify one of the two schemas, or let it be: the input is judged again when it is there.",
        example="""
            apiVersion: workflow.io/v1
            kind: WorkflowTask
            metadata: {name: spell}
            spec:
              type: transform
              inputSchema:
                type: object
                required: [text]
                properties: {text: {type: string, pattern: "^(a|b)*b(a|b){19}$"}}
              value: "{{input.text}}"
            ---
            apiVersion: workflow.io/v1
            kind: Workflow
            metadata: {name: example}
            spec:
              input:
                type: object
                required: [text]
                properties: {text: {type: string, pattern: "^(a|b)*a(a|b){20}$"}}
              tasks: [{id: spell, taskRef: spell, input: {text: "{{input.text}}"}}]
            """,
        frame=Frame.TEXT,
        severity=Severity.WARNING,
    ),
    Code.UNREACHABLE_CASE: Entry(
        title="A case is never reached",
        cause="An earlier case matches the same value, and the first that matches is chosen.",
        fix="Remove one of them, or correct what it matches.",
        example="""
            input: {type: object, required: [plan], properties: {plan: {enum: [free, pro]}}}
            tasks:
              - id: user
                switch:
                  value: "{{input.plan}}"
                  cases:
                    - {match: free, taskRef: fetch-user, input: {userId: 1}}
                    - {match: free, taskRef: fetch-user, input: {userId: 2}}
                  default: {taskRef: fetch-user, input: {userId: 3}}
            """,
    ),
    Code.UNCOVERED_VALUE: Entry(
        title="A switch may get a value that no case matches",
        cause="Without a `default` the step fails then. The finding has such a value as `counterexample`.",
        fix="Add a case or a `default`.",
        example="""
            input: {type: object, required: [plan], properties: {plan: {enum: [free, pro]}}}
            tasks:
              - id: user
                switch:
                  value: "{{input.plan}}"
                  cases:
                    - {match: free, taskRef: fetch-user, input: {userId: 1}}
            """,
        severity=Severity.WARNING,
    ),
    Code.RESPONSE_TYPE: Entry(
        title="A response gives what an HTTP answer cannot hold",
        cause=(
            "`status` is a number from 200 to 599, a header is a text, a number or a boolean, and a body "
            "whose `contentType` is not JSON is a text."
        ),
        fix="Give such a value, or leave out `contentType`.",
        example="""
            input: {type: object, required: [code], properties: {code: {type: string}}}
            tasks: [{id: user, taskRef: fetch-user, input: {userId: 1}}]
            response: {status: "{{input.code}}"}
            """,
    ),
}
