"""Compiles conditions to functions of the scope. Nothing is coerced: what cannot be compared is an error.

Equality takes two scalars of one type, or null and anything; order takes two numbers or two strings (by code
point); `in` takes a scalar and an array, whose items of other types are not the scalar; `!`, `&&`, `||` and
the whole condition take booleans.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.templates.conditions import Compare, Comparison, Connective, Logic, Not, Read, Value
from tenantry.language.templates.errors import TemplateError
from tenantry.language.templates.paths import compile_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.templates.conditions import Condition, Expression
    from tenantry.language.templates.scope import Evaluator, Predicate, Scope
    from tenantry.language.values import Json

_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_SCALARS: Final = frozenset(("null", "boolean", "number", "string"))
_ORDERED: Final = frozenset(("number", "string"))


def compile_condition(condition: Condition) -> Predicate:
    """The function that gives the condition's truth, or raises `TemplateError` naming the types involved."""
    return _compile_truth(condition.expression, condition.text)


def comparison_problem(comparison: Comparison, left: str, right: str) -> str:
    """Why values of two kinds cannot be compared, or nothing when they can.

    Args:
        comparison: how.
        left: `null`, `boolean`, `number`, `string`, `array` or `object`.
        right: the same.
    """
    if comparison is Comparison.IN:
        fits = left in _SCALARS and right == "array"
    elif comparison in {Comparison.EQUAL, Comparison.NOT_EQUAL}:
        fits = "null" in {left, right} or (left == right and left in _SCALARS)
    else:
        fits = left == right and left in _ORDERED
    return "" if fits else f"{left} {comparison} {right} cannot be compared"


def _compile(expression: Expression, text: str) -> Evaluator:
    match expression:
        case Value(value=value):
            return lambda _: value
        case Read(reference=reference):
            return compile_reference(reference)
        case Not(operand=operand):
            truth = _compile_truth(operand, text)
            return lambda scope: not truth(scope)
        case Compare():
            return _compile_comparison(expression, text)
        case _:
            return _compile_logic(expression, text)


def _compile_truth(expression: Expression, text: str) -> Predicate:
    evaluate = _compile(expression, text)
    described = _written(expression, text)

    def truth(scope: Scope) -> bool:
        value = evaluate(scope)
        if not isinstance(value, bool):
            raise TemplateError(described, f"expected a boolean, and this is {_KINDS[type(value)]}")
        return value

    return truth


def _compile_logic(logic: Logic, text: str) -> Predicate:
    truths = tuple(_compile_truth(operand, text) for operand in logic.operands)
    if logic.connective is Connective.AND:
        return lambda scope: all(truth(scope) for truth in truths)
    return lambda scope: any(truth(scope) for truth in truths)


def _compile_comparison(compare: Compare, text: str) -> Predicate:
    left, right = _compile(compare.left, text), _compile(compare.right, text)
    comparison, test = compare.comparison, _TESTS[compare.comparison]
    described = _written(compare, text)

    def evaluate(scope: Scope) -> bool:
        a, b = left(scope), right(scope)
        if problem := comparison_problem(comparison, _KINDS[type(a)], _KINDS[type(b)]):
            raise TemplateError(described, problem)
        return test(a, b)

    return evaluate


def _equal(left: Json, right: Json) -> bool:
    # In Python True == 1.
    return left == right and _KINDS[type(left)] == _KINDS[type(right)]


def _contained(left: Json, right: Any) -> bool:
    return any(_equal(left, item) for item in right)


_TESTS: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    Comparison.EQUAL: _equal,
    Comparison.NOT_EQUAL: lambda left, right: not _equal(left, right),
    Comparison.LESS: operator.lt,
    Comparison.MORE: operator.gt,
    Comparison.AT_MOST: operator.le,
    Comparison.AT_LEAST: operator.ge,
    Comparison.IN: _contained,
}


def _written(expression: Expression, text: str) -> str:
    return text[expression.offset : expression.offset + expression.length]
