"""The schema of what a value with templates gives: literals exactly, templates by what they read."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.model import Template
from tenantry.language.templates.rendering import render
from tenantry.language.validation.kinds import bounded, union, values_of
from tenantry.language.values import Json, pointer_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.report import Report
    from tenantry.language.validation.references import References

_MAX_TEXTS: Final = 64
_MAX_PATTERN: Final = 500
_SPECIAL: Final = frozenset(r"\.+*?()|[]{}^$")


def infer(value: Json, pointer: str, references: References) -> Any:
    """The schema of a value; what is wrong with its templates is reported.

    Args:
        value: from the document, templates in its strings.
        pointer: of the value.
        references: follows what the templates read.
    """
    match value:
        case str():
            return _infer_text(value, pointer, references)
        case dict():
            return bounded(
                object_schema(
                    {
                        key: infer(child, pointer + pointer_token(key), references)
                        for key, child in value.items()
                    }
                )
            )
        case list():
            return bounded(
                list_schema(
                    [infer(child, f"{pointer}/{index}", references) for index, child in enumerate(value)]
                )
            )
    return {"const": value}


def object_schema(fields: dict[str, Any]) -> Any:
    """The schema of an object with exactly these fields."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def list_schema(items: list[Any]) -> Any:
    """The schema of a list of exactly these items."""
    if not items:
        return {"const": []}
    count = len(items)
    return {"type": "array", "prefixItems": items, "items": False, "minItems": count, "maxItems": count}


def check_text(text: str, pointer: str, compile_text: Callable[[str], object], references: References) -> Any:
    """The schema of a text that is more than any template; what its templates read, and what it is itself."""
    schema = infer(text, pointer, references)
    if isinstance(references.texts.template(text), Template):
        try:
            compile_text(text)
        except TemplateSyntaxError as error:
            report_syntax(references.report, Code.TEMPLATE_SYNTAX, pointer, error)
    return schema


def report_syntax(report: Report, code: Code, pointer: str, error: TemplateSyntaxError) -> None:
    """Reports a mistake in the text of a template or a condition, at its character."""
    report.add(code, error.message, pointer, offset=error.offset, suggestion=error.suggestion)


def _infer_text(text: str, pointer: str, references: References) -> Any:
    if "{{" not in text:
        return {"const": text}
    template = references.texts.template(text)
    if not isinstance(template, Template):
        for _, error in template.errors:
            report_syntax(references.report, Code.TEMPLATE_SYNTAX, pointer, error)
        for _, reference in template.references:
            references.schema_of(reference, pointer)
        return UNTYPED
    if template.whole:
        return references.schema_of(template.whole, pointer)
    return _joined(
        [
            {"const": part} if isinstance(part, str) else references.schema_of(part, pointer)
            for part in template.parts
        ]
    )


def _joined(parts: list[Any]) -> Any:
    """The schema of a text made of parts: all texts there can be, or what they begin, hold and end with."""
    texts = [_texts(part) for part in parts]
    if [] in texts:
        return False  # a condition leaves a part without any value: this is never written
    if prod(len(choice) if choice else _MAX_TEXTS + 1 for choice in texts) <= _MAX_TEXTS:
        whole = product(*(choice or () for choice in texts))
        return union([{"const": "".join(choice)} for choice in whole])
    length = sum(min(map(len, choice)) for choice in texts if choice)
    pattern = f"^{''.join(map(_pattern, texts))}$"
    schema = {"type": "string", "minLength": length}
    return {**schema, "pattern": pattern} if len(pattern) <= _MAX_PATTERN else schema


def _texts(schema: Any) -> list[str] | None:
    """The texts that a part may become, when they are few; other values are written in several ways."""
    values = values_of(schema)
    if values is None or len(values) > _MAX_TEXTS:
        return None
    plain = all(value is None or isinstance(value, str | bool) for value in values)
    return [render(value) for value in values] if plain else None


def _pattern(texts: list[str] | None) -> str:
    if texts is None:
        return r"[\s\S]*"
    return f"(?:{'|'.join(map(_escaped, texts))})" if len(texts) > 1 else _escaped(texts[0])


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in text)
