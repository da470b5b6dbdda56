"""WF3xx: what flows between steps, and what conditions compare."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.catalogue.entry import Entry

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
            "The value, or a value that the schema of its source allows, is refused by the task's "
            "`inputSchema`."
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
        title="A template reads the output of a step that may be skipped",
        cause="A step with a condition may be skipped; its output is then null, and null has no fields.",
        fix=(
            "Give a default with `??`, or give the reading step a condition that asks for "
            "`tasks.<id>.status`."
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
        severity=Severity.WARNING,
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
}
