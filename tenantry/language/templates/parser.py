"""Parses templates, and finds every template in a value. Validation, the graph and the compilers start here.

Grammar: `{{ path }}` or `{{ path ?? literal }}`; a path is a root, then `.name`, `['any name']` or `[0]`; a
literal is JSON, where strings may be in single quotes. `{{'text'}}` is that text: how to write `{{` itself.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tenantry.language.templates.cursor import Cursor
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.model import Reference, Template
from tenantry.language.values import Json, pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator


MAX_ERRORS: Final = 100
"""How many mistakes are looked for: a hostile text may have a hundred thousand."""

MAX_TEMPLATES: Final = 1000
"""Templates in one text."""


_MAX_KEPT: Final = 500
"""Characters of a text that is remembered with its templates."""

_Parsed: TypeAlias = tuple[Template, tuple[TemplateSyntaxError, ...]]


class Scan(NamedTuple):
    """Every template in a value, each with the JSON pointer of the string it stands in, in document order."""

    references: tuple[tuple[str, Reference], ...]
    errors: tuple[tuple[str, TemplateSyntaxError], ...]


def parse_template(text: str) -> Template:
    """Parses a text with templates in it; a text without any is a template of one text.

    Raises:
        TemplateSyntaxError: the first mistake.
    """
    template, errors = _parse(text)
    if errors:
        first = errors[0]  # parsed texts are kept: one that is raised would keep its callers with it
        raise TemplateSyntaxError(first.message, first.offset, first.suggestion)
    return template


def scan(value: Json, pointer: str = "") -> Scan:
    """Finds every reference and every mistake in the strings of a value. Keys are names, never templates.

    Args:
        value: any value; its strings may hold templates.
        pointer: JSON pointer of the value itself.
    """
    references: list[tuple[str, Reference]] = []
    errors: list[tuple[str, TemplateSyntaxError]] = []
    for place, text in texts(value, pointer):
        template, mistakes = _parse(text)
        references += [(place, reference) for reference in template.references]
        errors += [(place, mistake) for mistake in mistakes]
        if len(errors) >= MAX_ERRORS:
            break
    return Scan(tuple(references), tuple(errors))


def references(value: Json, pointer: str = "") -> Iterator[tuple[str, Reference]]:
    """Every reference in the strings of a value, with JSON pointers; what cannot be parsed is left out."""
    return iter(scan(value, pointer).references)


def _parse(text: str) -> _Parsed:
    if "{{" not in text:
        return Template((text,) if text else ()), ()
    return _parse_known(text) if len(text) <= _MAX_KEPT else _parse_templates(text)


def _parse_templates(text: str) -> _Parsed:
    parts: list[str | Reference] = []
    errors: list[TemplateSyntaxError] = []
    cursor, count = Cursor(text), 0
    while (opening := text.find("{{", cursor.at)) >= 0 and len(errors) < MAX_ERRORS:
        count += 1
        if count > MAX_TEMPLATES:
            errors.append(TemplateSyntaxError(f"a text holds at most {MAX_TEMPLATES} templates", opening))
            break
        parts.append(text[cursor.at : opening])
        cursor.at = opening + 2
        try:
            literal = cursor.read_text_literal()
            parts.append(cursor.read_reference() if literal is None else literal)
        except TemplateSyntaxError as error:
            errors.append(error)
            closing = text.find("}}", error.offset)
            cursor.at = closing + 2 if closing >= 0 else len(text)
    parts.append(text[cursor.at :])
    return Template(tuple(_join_texts(parts))), tuple(errors)


# The graph, validation and the compilers look at the same texts one after the other.
_parse_known: Final = lru_cache(maxsize=2048)(_parse_templates)


def _join_texts(parts: list[str | Reference]) -> Iterator[str | Reference]:
    for is_text, run in groupby(parts, lambda part: isinstance(part, str)):
        if not is_text:
            yield from run
        elif text := "".join(map(str, run)):
            yield text


def texts(value: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a value, with its JSON pointer, in document order."""
    stack: list[tuple[str, Json]] = [(pointer, value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, list):
            stack += [(place + pointer_token(index), child) for index, child in enumerate(item)][::-1]
        elif isinstance(item, dict):
            stack += [(place + pointer_token(key), child) for key, child in item.items()][::-1]
