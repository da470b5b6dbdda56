"""Compiles one reference to a function of the scope: the innermost loop of every workflow."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.language.templates.errors import TemplateError
from tenantry.language.values import Json, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.templates.model import Reference
    from tenantry.language.templates.scope import Evaluator, Scope

_ABSENT: Final = (KeyError, IndexError, TypeError)
_RESULTS: Final = {"output": "outputs", "status": "statuses", "forEach": "loops"}
_TEXTS: Final = {"workflow": "workflow_name", "execution": "execution_id", "tenant": "tenant_name"}


def compile_reference(reference: Reference) -> Evaluator:
    """The function that gives the reference's value.

    It raises `TemplateError` where the path leads to nothing, unless the reference has a default; the default
    also stands for null.
    """
    read = _reader(*_source(reference))
    if reference.default is not msgspec.UNSET:
        return _or_default(read, reference.default)

    def evaluate(scope: Scope) -> Json:
        try:
            return read(scope)
        except _ABSENT:
            raise _explain(reference, scope) from None

    return evaluate


def _or_default(read: Evaluator, default: Json) -> Evaluator:
    def evaluate(scope: Scope) -> Json:
        try:
            value = read(scope)
        except _ABSENT:
            return default
        return default if value is None else value

    return evaluate


def _source(reference: Reference) -> tuple[str, tuple[str | int, ...]]:
    """The attribute of the scope that the path begins in, and the keys to follow from there."""
    path = reference.path
    if reference.root in _TEXTS:
        return _TEXTS[reference.root], ()
    if reference.root == "forEach":
        return "items", path
    if reference.root != "tasks":
        return reference.root, path
    return _RESULTS[str(path[1])], (path[0], *path[2:])


def _reader(source: str, keys: tuple[str | int, ...]) -> Evaluator:
    """Reads without explaining: what is absent raises what Python raises."""
    start: Callable[[Scope], Any] = attrgetter(source)
    if not keys:
        return start

    def read_fields(scope: Scope) -> Json:
        value = start(scope)
        for key in keys:
            value = value[key]
        return value  # type: ignore[no-any-return]  # a value of the scope is JSON all the way down

    def read_items(scope: Scope) -> Json:
        value = start(scope)
        for key in keys:
            value = _index_or_field(value, key)
        return value  # type: ignore[no-any-return]  # as above

    return read_items if any(isinstance(key, int) for key in keys) else read_fields


def _index_or_field(container: Any, key: str | int) -> Any:
    # Python would index a text as well; here only a list has items.
    if isinstance(key, int) and not isinstance(container, list):
        raise TypeError
    return container[key]


def _explain(reference: Reference, scope: Scope) -> TemplateError:
    """Finds the step that leads to nothing, and says so in the words of the template."""
    source, keys = _source(reference)
    value: Any = getattr(scope, source)
    remaining = iter(keys)
    while True:
        key = next(remaining)
        try:
            value = _index_or_field(value, key)
        except _ABSENT:
            return TemplateError(reference.path_text, _reason(value, key))


def _reason(container: Any, key: str | int) -> str:
    if isinstance(key, int):
        if isinstance(container, list):
            return f"there is no item {key} in a list of {len(container)}"
        return f"[{key}] needs an array, and this is {type_name(container)}"
    if isinstance(container, Mapping):
        return f"there is no '{key}'"
    return f"'{key}' is a field of an object, and this is {type_name(container)}"
