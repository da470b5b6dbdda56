"""WF6xx: what a new version of a task or workflow breaks."""

from __future__ import annotations

from typing import Final

from tenantry.language.codes import Code
from tenantry.language.validation.catalogue.entry import Entry, Frame

CHANGES: Final = {
    Code.BREAKING_CHANGE: Entry(
        title="A new version breaks who relies on the one before",
        cause=(
            "What could be sent can no longer be sent, or what was given is no longer given, field by field. "
            "It is an error when a stored workflow uses the field and would not be valid any more, and the "
            "message names that workflow; it is a warning when only callers may be concerned, whom nobody "
            "knows, and the message then has an example of what breaks them."
        ),
        fix=(
            "Keep the field as it was and add another; or apply the workflows that use it, mended, in the "
            "same text. Applying with force stores the change all the same: the broken workflows are marked, "
            "and the audit log names who did it."
        ),
        example="""
            apiVersion: workflow.io/v1
            kind: WorkflowTask
            metadata: {name: fetch-user}
            spec:
              type: http
              inputSchema: {type: object, required: [userId], properties: {userId: {type: integer}}}
              outputSchema: {type: object, required: [email], properties: {email: {type: string}}}
              request: {method: GET, url: "https://users.example.com/users/{{input.userId}}"}
            ---
            apiVersion: workflow.io/v1
            kind: WorkflowTask
            metadata: {name: fetch-user}
            spec:
              type: http
              inputSchema: {type: object, required: [id], properties: {id: {type: integer}}}
              outputSchema: {type: object, properties: {email: {type: string}}}
              request: {method: GET, url: "https://users.example.com/users/{{input.id}}"}
            """,
        frame=Frame.VERSIONS,
    ),
}
