"""WF50x: budgets of time and work."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.catalogue.entry import Entry

BUDGETS: Final = {
    Code.DEADLINE_EXCEEDED: Entry(
        title="The workflow may take longer than its deadline",
        cause=(
            "The longest chain of steps is added up: all attempts until their timeouts, the waits between "
            "them, the worst branch of every choice, and fallbacks. The finding shows it as a table. With "
            "`deadlinePolicy: strict` it refuses the workflow; without a written `deadline` or that, nothing "
            "is compared. A task without a `timeout` has 30s."
        ),
        fix="Shorten timeouts or retries on the path, or raise the deadline.",
        example="""
            deadline: 5s
            tasks:
              - {id: user, taskRef: fetch-user, timeout: 2s, input: {userId: 1}}
              - id: orders
                taskRef: list-orders
                timeout: 2s
                retry: {maxAttempts: 3}
                input: {customer: "{{tasks.user.output.id}}"}
            """,
        severity=Severity.WARNING,
    ),
    Code.TOO_MUCH_WORK: Entry(
        title="The workflow may make too many calls",
        cause=(
            "The attempts of every call, times the items of the loops around it, are at most a million in an "
            "execution, those of the workflows it runs included. Items count where `maxItems` is written, or "
            "the list or its schema says how many there are."
        ),
        fix="Lower a `maxItems`, or do less for each item.",
        example="""
            tasks:
              - id: groups
                forEach: {items: "{{input.groups}}", itemVar: group, maxItems: 2000}
                tasks:
                  - id: users
                    forEach: {items: "{{forEach.group.users}}", itemVar: user, maxItems: 1000}
                    taskRef: fetch-user
                    input: {userId: "{{forEach.user.id}}"}
            """,
    ),
}
