"""Conditions as values, and their parser. Validation reads the tree for its types; `predicates` compiles it.

Grammar, from what binds loosest (SPEC 1.5); `!` binds tightest, and a comparison does not chain:

    or         = and { "||" and }
    and        = comparison { "&&" comparison }
    comparison = unary [ ( "==" | "!=" | "<=" | ">=" | "<" | ">" | "in" ) unary ]
    unary      = "!" unary | "(" or ")" | template | literal
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from tenantry.language.templates.cursor import Cursor
from tenantry.language.values import MAX_DEPTH, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.templates.model import Reference

MAX_OPERANDS: Final = 1000
"""Operands of a condition, parentheses and negations among them."""


class Comparison(StrEnum):
    """How two operands are compared."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    AT_MOST = "<="
    AT_LEAST = ">="
    LESS = "<"
    MORE = ">"
    IN = "in"


class Connective(StrEnum):
    """How several truths become one."""

    AND = "&&"
    OR = "||"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of a condition. `offset` and `length` say where it stands in the text, in characters."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Value(Node):
    """A literal."""

    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Node):
    """A template."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """The other truth."""

    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Node):
    """Two operands compared."""

    comparison: Comparison
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(Node):
    """Two or more operands, all of them truths; evaluated from the left until one decides."""

    connective: Connective
    operands: tuple[Expression, ...]


Expression: TypeAlias = Value | Read | Not | Compare | Logic


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition.

    Attributes:
        text: as it is written.
        expression: what it says.
    """

    text: str
    expression: Expression

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, in the order of the text."""
        return tuple(_references(self.expression))


def parse_condition(text: str) -> Condition:
    """Parses a condition.

    Raises:
        TemplateSyntaxError: the first mistake.
    """
    reader = _Reader(text)
    expression = reader.read_logic(Connective.OR)
    if reader.at < len(text):
        reader.fail("expected an operator (== != < > <= >= in && ||) or the end of the condition")
    return Condition(text, expression)


def _references(expression: Expression) -> Iterator[Reference]:
    match expression:
        case Read():
            yield expression.reference
        case Not():
            yield from _references(expression.operand)
        case Compare():
            yield from _references(expression.left)
            yield from _references(expression.right)
        case Logic():
            for operand in expression.operands:
                yield from _references(operand)


_OPERATOR: Final = re.compile(r"==|!=|<=|>=|<|>|in(?![\w-])")


@dataclass(slots=True)
class _Reader(Cursor):
    """Reads expressions; after each of them stands at a token or at the end."""

    depth: int = 0
    operands: int = 0

    def read_logic(self, connective: Connective) -> Expression:
        self.skip_space()
        start = self.at
        operands = [self._read_operand_of(connective)]
        while self.take(connective):
            operands.append(self._read_operand_of(connective))
        if len(operands) == 1:
            return operands[0]
        return Logic(
            offset=start, length=self._length_from(start), connective=connective, operands=tuple(operands)
        )

    def _read_operand_of(self, connective: Connective) -> Expression:
        return self.read_logic(Connective.AND) if connective is Connective.OR else self._read_comparison()

    def _read_comparison(self) -> Expression:
        self.skip_space()
        start = self.at
        left = self._read_unary()
        operator = self.match(_OPERATOR)
        if operator is None:
            return left
        self.at += len(operator)
        right = self._read_unary()
        if self.match(_OPERATOR):
            self.fail("a comparison does not chain; put one of them in parentheses")
        return Compare(
            offset=start,
            length=self._length_from(start),
            comparison=Comparison(operator),
            left=left,
            right=right,
        )

    def _read_unary(self) -> Expression:
        self.skip_space()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"a condition nested deeper than {MAX_DEPTH} levels")
        start = self.at
        expression = self._read_primary(start)
        self.skip_space()
        self.depth -= 1
        return expression

    def _read_primary(self, start: int) -> Expression:
        self.operands += 1
        if self.operands > MAX_OPERANDS:
            self.fail(f"a condition has at most {MAX_OPERANDS} operands")
        if self.take("!"):
            operand = self._read_unary()
            return Not(offset=start, length=self._length_from(start), operand=operand)
        if self.take("("):
            expression = self.read_logic(Connective.OR)
            if self.text[self.at : self.at + 1] == ",":
                self.fail("expected ')' to close the parenthesis", suggestion="a list is written with [ ]")
            self.expect(")", "to close the parenthesis")
            return expression
        if self.take("{{"):
            reference = self.read_reference()
            return Read(offset=start, length=self.at - start, reference=reference)
        value = self.read_literal()
        if "{{" in self.text[start : self.at]:
            self.fail("a template inside quotes is only text; remove the quotes around it", start)
        return Value(offset=start, length=self.at - start, value=value)

    def _length_from(self, start: int) -> int:
        return len(self.text[start : self.at].rstrip())
