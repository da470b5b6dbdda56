"""What the templates of a task or a workflow may read, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.language.documents.model import WorkflowTask

ANYTHING: Final[dict[str, Any]] = {}
"""The schema of a value of which nothing is known."""

_RESPONSE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": ANYTHING,
    },
    "required": ["status", "headers", "body"],
}


@dataclass(frozen=True, slots=True)
class Output:
    """What is known of a step's output before it runs.

    Attributes:
        schema: of the output, when the step runs.
        skippable: the step has a condition, so the output may be null.
    """

    schema: Any
    skippable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What templates may read.

    Attributes:
        roots: the first names of paths that lead somewhere.
        input: schema of `input`.
        steps: what the steps give, by id.
    """

    roots: frozenset[str]
    input: Any = field(default_factory=dict)
    steps: Mapping[str, Output] = field(default_factory=dict)


def output_schema(task: WorkflowTask) -> Any:
    """What a task says about its output; an HTTP task that gives the whole response need not say it."""
    if task.spec.output_schema is not None:
        return task.spec.output_schema
    return _RESPONSE if task.spec.type == "http" and task.spec.output == "response" else ANYTHING
