"""A value that a schema refuses, as a failure: what goes into a task or workflow, and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.events import Failure, FailureCode

if TYPE_CHECKING:
    from tenantry.language.plan.model import Validator
    from tenantry.language.values import Json
    from tenantry.protocol.problems import Source

_SHOWN: Final = 3


def find_mismatch(
    validator: Validator | None, value: Json, *, what: str, code: FailureCode, source: Source, task: str
) -> Failure | None:
    """The failure of a value that does not satisfy its schema.

    Args:
        validator: `None` takes anything.
        value: what it judges.
        what: the value, as the message calls it.
        code: of the failure.
        source: whose value it is.
        task: path of the task.
    """
    if validator is None or validator.is_valid(value):
        return None
    found = validator.violations(value)
    named = "; ".join(f"{violation.pointer or '/'}: {violation.message}" for violation in found[:_SHOWN])
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    message = f"{what} does not match its schema: {named}{more}"
    return Failure(code=code, message=message, source=source, task=task)
