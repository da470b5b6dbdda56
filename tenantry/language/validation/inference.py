"""The schema of what a value with templates gives: literals exactly, templates by what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.language.codes import Code
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.parser import parse_template, scan
from tenantry.language.validation.readable import ANYTHING
from tenantry.language.values import Json, pointer_token

if TYPE_CHECKING:
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.references import References


def infer(value: Json, pointer: str, references: References, *, ready_for_null: bool = False) -> Any:
    """The schema of a value; what is wrong with its templates is reported.

    Args:
        value: from the document, templates in its strings.
        pointer: of the value.
        references: checks what the templates read.
        ready_for_null: the reader says itself what happens when a task was skipped.
    """
    match value:
        case str():
            return _infer_text(value, pointer, references, ready_for_null=ready_for_null)
        case dict():
            fields = {
                key: infer(child, pointer + pointer_token(key), references, ready_for_null=ready_for_null)
                for key, child in value.items()
            }
            return object_schema(fields)
        case list():
            items = [
                infer(child, pointer + pointer_token(index), references, ready_for_null=ready_for_null)
                for index, child in enumerate(value)
            ]
            return {"type": "array", "items": {"anyOf": items}} if items else {"const": []}
    return {"const": value}


def object_schema(fields: dict[str, Any]) -> Any:
    """The schema of an object with exactly these fields."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def report_syntax(report: Report, code: Code, pointer: str, error: TemplateSyntaxError) -> None:
    """Reports a mistake in the text of a template or a condition, at its character."""
    report.add(code, error.message, pointer, offset=error.offset, suggestion=error.suggestion)


def _infer_text(text: str, pointer: str, references: References, *, ready_for_null: bool) -> Any:
    if "{{" not in text:
        return {"const": text}
    try:
        template = parse_template(text)
    except TemplateSyntaxError:
        found = scan(text, pointer)
        for _, error in found.errors:
            report_syntax(references.report, Code.TEMPLATE_SYNTAX, pointer, error)
        for _, reference in found.references:
            references.schema_of(reference, pointer, ready_for_null=ready_for_null)
        return ANYTHING
    schemas = [
        references.schema_of(reference, pointer, ready_for_null=ready_for_null)
        for reference in template.references
    ]
    if template.whole:
        return schemas[0]
    return {"type": "string"} if schemas else {"const": "".join(map(str, template.parts))}
