"""Compiles any value with templates in it. Inputs, outputs and request bodies are made by these functions."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, TypeAlias

from tenantry.language.templates.errors import TemplateError
from tenantry.language.templates.parser import parse_template
from tenantry.language.templates.paths import compile_reference
from tenantry.language.templates.rendering import MAX_RENDERED, compile_text
from tenantry.language.values import Json, JsonError, dump_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenantry.language.templates.scope import Evaluator, Scope

_Place: TypeAlias = "tuple[str | int, ...]"


def compile_value(value: Json) -> Evaluator:
    """The function that gives the value with its templates evaluated.

    A string that is exactly one template keeps the type of what it names; in a longer one it becomes text.
    The function's results share structure with the scope and with each other, so nobody may change them.

    Raises:
        TemplateSyntaxError: the first mistake in one of the strings.
    """
    places: list[_Place] = []
    evaluate = _compile(value, (), places)
    if not places or isinstance(value, str):
        return evaluate

    def bounded(scope: Scope) -> Json:
        result = evaluate(scope)
        _check_size(result, places)
        return result

    return bounded


def _compile(value: Json, place: _Place, places: list[_Place]) -> Evaluator:
    """Compiles a part of a value, and notes at which places the result holds what templates gave."""
    if isinstance(value, str):
        return _compile_string(value, place, places)
    if isinstance(value, dict):
        fields = tuple((key, _compile(child, (*place, key), places)) for key, child in value.items())
        return lambda scope: {key: child(scope) for key, child in fields}
    if isinstance(value, list):
        items = tuple(_compile(child, (*place, index), places) for index, child in enumerate(value))
        return lambda scope: [child(scope) for child in items]
    return lambda _: value


def _compile_string(text: str, place: _Place, places: list[_Place]) -> Evaluator:
    template = parse_template(text)
    if not template.references:
        constant = "".join(map(str, template.parts))
        return lambda _: constant
    places.append(place)
    return compile_reference(template.whole) if template.whole else compile_text(template)


def _check_size(result: Json, places: Sequence[_Place]) -> None:
    """Refuses a result that could not be written as JSON, or only at a size out of all proportion.

    The parts are shared, so a value named a thousand times costs nothing here and everything where it is
    written; naming it twice in every step of a chain doubles it each time. Each part is bounded by itself, so
    adding up and stopping in time is cheap; texts and numbers, which nearly all parts are, need no writing.
    """
    size = 0
    nested = False
    for place in places:
        part: Any = reduce(getitem, place, result)  # type: ignore[arg-type]  # places lead through containers
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, dict | list):
            size += len(_write(part))
            nested = True
        if size > MAX_RENDERED:
            raise TemplateError("the value", f"takes more than {MAX_RENDERED} bytes as JSON")
    if nested:
        _write(result)


def _write(value: Json) -> bytes:
    try:
        return dump_json(value)
    except JsonError as error:
        raise TemplateError("the value", error.reason) from None
