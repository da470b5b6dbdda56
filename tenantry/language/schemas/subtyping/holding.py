"""Whether formulas hold of a value: the solver need not take apart what a value it has found satisfies.

Patterns and multiples are judged by the engine that judges values, so that both always agree.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.schemas.subtyping.equality import are_distinct, identity
from tenantry.language.schemas.subtyping.formulas import (
    ARRAY,
    BOOLEAN,
    FRACTION,
    INTEGER,
    NULL,
    NUMBERS,
    OBJECT,
    STRING,
    Atom,
    Bound,
    Contains,
    Either,
    Every,
    ExactlyOne,
    Fields,
    Formula,
    Has,
    Items,
    Literal,
    Multiple,
    Names,
    Negation,
    Node,
    Pattern,
    SomeField,
    SomeItem,
    Sorts,
    Unique,
    Untyped,
    Values,
)
from tenantry.language.schemas.validators import compile_checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.language.values import Json

_SORTS: Final[dict[type, str]] = {
    type(None): NULL,
    bool: BOOLEAN,
    int: INTEGER,
    str: STRING,
    list: ARRAY,
    dict: OBJECT,
}


def sort_of(value: Json) -> str:
    """The sort of a value; a number without a fraction is an integer, however it is written."""
    if isinstance(value, float):
        return INTEGER if value.is_integer() else FRACTION
    return _SORTS[type(value)]


def hold(literals: Iterable[Literal], value: Json) -> bool:
    """Whether all literals hold of a value."""
    return all(holds(literal.formula, value) is literal.positive for literal in literals)


def holds(formula: Formula, value: Json) -> bool:
    """Whether a formula holds of a value."""
    if isinstance(formula, Atom) and sort_of(value) not in formula.sorts:
        return True
    return _JUDGES[type(formula)](formula, value)


def matches(pattern: str, text: str) -> bool:
    """Whether a part of a text matches a pattern."""
    return _matcher(pattern)(text)


def is_multiple(number: float, of: float) -> bool:
    """Whether a number is a multiple, both as they are written in decimals."""
    return _divider(of)(number)


@lru_cache(maxsize=512)
def _matcher(pattern: str) -> Callable[[Json], bool]:
    return compile_checked({"pattern": pattern}).is_valid


@lru_cache(maxsize=512)
def _divider(of: float) -> Callable[[Json], bool]:
    return compile_checked({"multipleOf": of}).is_valid


def _one(formula: ExactlyOne, value: Json) -> bool:
    return sum(holds(part, value) for part in formula.parts) == 1


def _bound(formula: Bound, value: Any) -> bool:
    measure = value if formula.sorts is NUMBERS else len(value)
    if measure == formula.limit:
        return not formula.exclusive
    return bool((measure > formula.limit) is formula.is_lower)


def _items(formula: Items, value: Any) -> bool:
    return all(holds(formula.at(index), item) for index, item in enumerate(value))


def _some_item(formula: SomeItem, value: Any) -> bool:
    return any(formula.reaches(index) and hold(formula.goal, item) for index, item in enumerate(value))


def _contains(formula: Contains, value: Any) -> bool:
    count = sum(holds(formula.item, item) for item in value)
    return formula.least <= count and (formula.most is None or count <= formula.most)


def of_field(fields: Fields, name: str) -> list[Formula]:
    """What a field of this name is."""
    found = [fields.named[name]] if name in fields.named else []
    found += [formula for pattern, formula in fields.patterns if matches(pattern.pattern, name)]
    return found or [fields.others]


def _fields(formula: Fields, value: Any) -> bool:
    return all(holds(part, item) for name, item in value.items() for part in of_field(formula, name))


def _some_field(formula: SomeField, value: Any) -> bool:
    return any(
        formula.name in {None, name} and hold(formula.names, name) and hold(formula.value, item)
        for name, item in value.items()
    )


_JUDGES: Final[dict[type, Callable[[Any, Any], bool]]] = {
    Node: lambda formula, value: all(holds(part, value) for part in formula.parts),
    Every: lambda formula, value: all(holds(part, value) for part in formula.parts),
    Either: lambda formula, value: any(holds(part, value) for part in formula.parts),
    ExactlyOne: _one,
    Negation: lambda formula, value: not holds(formula.part, value),
    Untyped: lambda _, __: True,
    Sorts: lambda formula, value: sort_of(value) in formula.sorts,
    Values: lambda formula, value: identity(value) in formula.identities,
    Bound: _bound,
    Multiple: lambda formula, value: is_multiple(value, formula.of),
    Pattern: lambda formula, value: matches(formula.pattern, value),
    Items: _items,
    SomeItem: _some_item,
    Contains: _contains,
    Unique: lambda _, value: are_distinct(value),
    Has: lambda formula, value: formula.name in value,
    Fields: _fields,
    SomeField: _some_field,
    Names: lambda formula, value: all(holds(formula.name, name) for name in value),
}
