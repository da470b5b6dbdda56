"""Templates resolved as far as they can be before an execution. Dry runs use it; it calls nothing. Pure.

What is not known is shown as it is written, and secrets as `***`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeGuard
from urllib.parse import quote

from tenantry.language.templates import (
    Condition,
    Connective,
    Logic,
    Not,
    Reference,
    TemplateError,
    compile_condition,
    parse_condition,
    parse_template,
)
from tenantry.language.templates.paths import compile_reference
from tenantry.language.templates.rendering import MAX_RENDERED, render
from tenantry.language.templates.roots import INDEX
from tenantry.language.values import Json, dump_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import HttpRequest
    from tenantry.language.templates import Expression, Scope

MASK: Final = "***"

_SECRET_HEADERS: Final = frozenset(("authorization", "cookie", "proxy-authorization", "x-api-key"))
_UNKNOWN_ROOTS: Final = frozenset(("execution", "tasks"))


class Shown(str):
    """A text that stands for a value that is not known or is secret: shown as it is, encoded nowhere."""

    __slots__ = ()


UNKNOWN: Final = Shown("?")
"""Stands for an item that is not known; whoever reads it is shown as written."""


def is_known(value: Json) -> bool:
    """Whether nothing in a resolved value only stands for something."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return not isinstance(value, Shown)


def plain(value: Any) -> Any:
    """The value with every shown text as an ordinary one: encoders take no subclass of `str`."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Shown) else value


@dataclass(slots=True)
class Budget:
    """How many bytes of values are still shown; beyond that, the templates are."""

    left: int = MAX_RENDERED


@dataclass(frozen=True, slots=True)
class Resolver:
    """Evaluates templates one by one, and shows those that have no value as they are written."""

    scope: Scope
    budget: Budget

    def of_child(self, given: Json, workflow: str) -> Resolver:
        """Inside a sub-workflow that is given this."""
        return replace(self, scope=self.scope.of_child(given, workflow))

    def of_item(self, variable: str, items: list[Json] | None, index: int = 0) -> Resolver:
        """Inside a loop, at an item of known ones; at one that is not known, if there is none."""
        if items:
            return replace(self, scope=self.scope.of_item(variable, items[index], index))
        scope = self.scope.of_item(variable, UNKNOWN, index)
        scope.items[INDEX] = UNKNOWN
        return replace(self, scope=scope)

    def request(self, source: HttpRequest, given: Json) -> dict[str, Any]:
        """A task's request as it would be sent when the task is given this."""
        inside = self.of_child(given, self.scope.workflow_name)
        return {
            "method": source.method,
            "url": inside.text(source.url, lambda text: quote(text, safe="")),
            "headers": {
                name: MASK if name.lower() in _SECRET_HEADERS else inside.text(value)
                for name, value in source.headers.items()
            },
            "query": {name: inside.resolve(value) for name, value in source.query.items()},
            "body": inside.resolve(source.body),
        }

    def resolve(self, value: Json) -> Json:
        """The value with what is known of its templates."""
        if isinstance(value, str):
            whole = parse_template(value).whole
            return self._value(whole) if whole else self.text(value)
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if isinstance(value, dict):
            return {name: self.resolve(item) for name, item in value.items()}
        return value

    def text(self, text: str, encode: Callable[[str], str] = str) -> str:
        """A text with what is known of its templates: shown, as a whole, as soon as one of them is."""
        shown = [self._part(part, encode) for part in parse_template(text).parts]
        joined = "".join(shown)
        return Shown(joined) if any(isinstance(part, Shown) for part in shown) else joined

    def holds(self, condition: str) -> bool | None:
        """Whether a condition is true; `None` when that is not known, or it has no answer."""
        return self._truth(condition, parse_condition(condition).expression)

    def _truth(self, text: str, expression: Expression) -> bool | None:
        if isinstance(expression, Logic):
            decisive = expression.connective is Connective.OR
            for operand in expression.operands:
                truth = self._truth(text, operand)
                if truth is None or truth is decisive:
                    return truth
            return not decisive
        if isinstance(expression, Not):
            truth = self._truth(text, expression.operand)
            return None if truth is None else not truth
        condition = Condition(text, expression)
        if not all(is_known(self._value(reference)) for reference in condition.references):
            return None
        try:
            return compile_condition(condition)(self.scope)
        except TemplateError:
            return None

    def _part(self, part: str | Reference, encode: Callable[[str], str]) -> str:
        if isinstance(part, str):
            return part
        value = self._value(part)
        if isinstance(value, Shown):
            return value
        return encode(render(value)) if is_known(value) else Shown(part)

    def _value(self, reference: Reference) -> Json:
        if reference.root == "secrets":
            return Shown(MASK)
        if self.budget.left < 0 or reference.root in _UNKNOWN_ROOTS or self._passes_shown(reference):
            return Shown(reference)
        try:
            value = compile_reference(reference)(self.scope)
        except TemplateError:
            return Shown(reference)
        self.budget.left -= len(dump_json(value))
        return value if self.budget.left >= 0 else Shown(reference)

    def _passes_shown(self, reference: Reference) -> bool:
        """Whether the path goes on behind something that is only shown: even a default is not known then."""
        if reference.root not in {"input", "forEach"}:
            return False
        value: Any = self.scope.input if reference.root == "input" else self.scope.items
        for step in reference.path:
            if isinstance(value, Shown):
                return True
            if not _has(value, step):
                return False
            value = value[step]
        return reference.root == "forEach" and isinstance(value, Shown)


def _has(container: Any, step: str | int) -> TypeGuard[Any]:
    if isinstance(step, int):
        return isinstance(container, list) and step < len(container)
    return isinstance(container, dict) and step in container
