"""Whether the schemas in a document are JSON Schema, and safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.language.codes import Code
from tenantry.language.schemas.checking import check

if TYPE_CHECKING:
    from tenantry.language.documents.report import Report


def check_schema(schema: Any, pointer: str, report: Report) -> bool:
    """Reports what is wrong with a schema; none at all is right.

    Returns:
        Whether it can be used for further checks.
    """
    problems = check(schema) if schema is not None else ()
    for problem in problems:
        report.add(Code.INVALID_SCHEMA, problem.message, pointer + problem.pointer)
    return not problems
