"""The types of a condition: what cannot be compared, what is no truth, what can never be equal."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from tenantry.language.codes import Code
from tenantry.language.documents.nearest import did_you_mean
from tenantry.language.findings import Severity
from tenantry.language.templates.conditions import (
    Compare,
    Comparison,
    Connective,
    Expression,
    Logic,
    Not,
    Read,
    Value,
)
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.predicates import comparison_problem
from tenantry.language.validation.facts import facts_when
from tenantry.language.validation.inference import report_syntax
from tenantry.language.validation.kinds import kinds_of, known_kinds, values_of
from tenantry.language.values import Json, dump_json

if TYPE_CHECKING:
    from tenantry.language.templates.conditions import Condition
    from tenantry.language.validation.references import References

_BOOLEAN = {"type": "boolean"}


def check_condition(text: str, pointer: str, references: References) -> Condition | None:
    """Reports what is wrong with a condition: its syntax, else its references and types.

    Returns:
        The condition, when it is one.
    """
    condition = references.texts.condition(text)
    if isinstance(condition, TemplateSyntaxError):
        report_syntax(references.report, Code.CONDITION_SYNTAX, pointer, condition)
        return None
    _Check(text, pointer, references).truth(condition.expression)
    return condition


class _Check:
    def __init__(self, text: str, pointer: str, references: References) -> None:
        self._text = text
        self._pointer = pointer
        self._references = references

    def truth(self, expression: Expression) -> None:
        """Checks an expression that has to be true or false."""
        schema = self._schema(expression)
        wrong = known_kinds(schema) - {"boolean"}
        if wrong:
            said = _said(self._written(expression), schema, wrong)
            hint = "compare it with something, as in == or >"
            self._add(Code.CONDITION_TYPE, f"{said}, and a condition needs a boolean", expression, hint)

    def _schema(self, expression: Expression) -> Any:
        match expression:
            case Value(value=value):
                return {"const": value}
            case Read(reference=reference):
                return self._references.schema_of(reference, self._pointer)
            case Not(operand=operand):
                self.truth(operand)
            case Logic():
                self._logic(expression)
            case _:
                self._compare(expression)
        return _BOOLEAN

    def _logic(self, logic: Logic) -> None:
        """Checks operands from the left: one is only looked at when those before it have not decided."""
        around = self._references
        goes_on = logic.connective is Connective.AND
        for operand in logic.operands:
            self.truth(operand)
            self._references = self._references.knowing(facts_when(operand, truth=goes_on))
        self._references = around

    def _compare(self, compare: Compare) -> None:
        left, right = self._schema(compare.left), self._schema(compare.right)
        wrong = [
            (one, other)
            for one, other in product(sorted(known_kinds(left)), sorted(known_kinds(right)))
            if comparison_problem(compare.comparison, one, other)
        ]
        if wrong:
            one = _said(self._written(compare.left), left, frozenset(pair[0] for pair in wrong))
            other = _said(self._written(compare.right), right, frozenset(pair[1] for pair in wrong))
            message = f"{one} and {other}: {compare.comparison} cannot compare them"
            hint = "nothing is converted; compare values of one type"
            if any("null" in pair for pair in wrong):
                hint = "ask for null before, as in {{…}} != null && …, or give a default with ??"
            self._add(Code.CONDITION_TYPE, message, compare, hint)
        elif compare.comparison in {Comparison.EQUAL, Comparison.NOT_EQUAL}:
            self._check_listed(compare, left, right)

    def _check_listed(self, compare: Compare, left: Any, right: Any) -> None:
        """Warns when one side lists its values, and the other is a literal that is not among them."""
        for literal, other, schema in (
            (compare.right, compare.left, left),
            (compare.left, compare.right, right),
        ):
            allowed = values_of(schema)
            if isinstance(literal, Value) and allowed is not None and literal.value not in (None, *allowed):
                self._never_equal(literal, other, allowed)
                return

    def _never_equal(self, literal: Value, other: Expression, allowed: tuple[Json, ...]) -> None:
        listed = ", ".join(dict.fromkeys(dump_json(value).decode() for value in allowed))
        near = self._references.report.nearest(str(literal.value), map(str, allowed))
        self._add(
            Code.NEVER_EQUAL,
            f"{self._written(other)} is never {self._written(literal)}, only {listed}",
            literal,
            did_you_mean(near),
            Severity.WARNING,
        )

    def _written(self, expression: Expression) -> str:
        return self._text[expression.offset : expression.offset + expression.length]

    def _add(
        self,
        code: Code,
        message: str,
        expression: Expression,
        suggestion: str,
        severity: Severity = Severity.ERROR,
    ) -> None:
        self._references.report.add(
            code, message, self._pointer, offset=expression.offset, suggestion=suggestion, severity=severity
        )


def _said(written: str, schema: Any, wrong: frozenset[str]) -> str:
    """What the author wrote, and what it is, or may be beside what would do."""
    verb = "is" if wrong == kinds_of(schema) else "may be"
    return f"{written} {verb} {_named(wrong)}"


def _named(kinds: frozenset[str]) -> str:
    return " or ".join(_with_article(kind) for kind in sorted(kinds))


def _with_article(kind: str) -> str:
    if kind == "null":
        return kind
    return f"an {kind}" if kind[0] in "ao" else f"a {kind}"
