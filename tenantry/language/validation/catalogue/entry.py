"""What a code's entry holds, and how its example becomes a whole text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from textwrap import dedent, indent
from typing import Final

from tenantry.language.findings import Severity


class Frame(Enum):
    """What an example is a part of."""

    TEXT = "a text"
    TASK = "the spec of a task"
    WORKFLOW = "the spec of a workflow"
    VERSIONS = "a version and the one after it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code explained.

    Attributes:
        title: what is wrong, in a few words.
        cause: why it is refused, or what makes it suspicious.
        fix: what to do.
        example: gives this finding and no other error.
        frame: what the example is a part of.
        repeat: how often the example stands in the text, for what is wrong only because there is too much.
        severity: how much it weighs.
    """

    title: str
    cause: str
    fix: str
    example: str
    frame: Frame = Frame.WORKFLOW
    repeat: int = 1
    severity: Severity = Severity.ERROR

    @property
    def shown(self) -> str:
        """The example as people read it."""
        return dedent(self.example).strip("\n") + "\n"

    @property
    def text(self) -> str:
        """The whole text the example stands for, with `TASKS` before it when it is part of a workflow."""
        body = self.shown * self.repeat
        if self.frame in {Frame.TEXT, Frame.VERSIONS}:
            return body
        kind, before = ("WorkflowTask", "") if self.frame is Frame.TASK else ("Workflow", f"{TASKS}---\n")
        return before + _ENVELOPE.format(kind=kind, name="example") + indent(body, "  ")


_ENVELOPE: Final = "apiVersion: workflow.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"

TASKS: Final = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fetch-user}
spec:
  type: http
  inputSchema:
    type: object
    required: [userId]
    properties: {userId: {type: integer}}
    additionalProperties: false
  outputSchema:
    type: object
    required: [id, email]
    properties: {id: {type: integer}, email: {type: string}, tier: {enum: [free, pro]}}
  request: {method: GET, url: "https://users.example.com/users/{{input.userId}}"}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: list-orders}
spec:
  type: http
  inputSchema: {type: object, required: [customer], properties: {customer: {type: integer}}}
  outputSchema: {type: object, required: [orders], properties: {orders: {type: array}}}
  request: {method: GET, url: "https://orders.example.com/", query: {customer: "{{input.customer}}"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: internal-audit}
spec:
  type: http
  request: {method: POST, url: "https://audit.example.com/"}
"""
"""The tasks the examples of workflows use. The tenant may use all but `internal-*`."""
