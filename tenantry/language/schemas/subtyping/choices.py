"""Statements that are choices between others: negations above all. Branches of the search go into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tenantry.language.schemas.subtyping.formulas import (
    ARRAY,
    ARRAYS,
    OBJECT,
    OBJECTS,
    TRUE,
    Bound,
    Contains,
    Fields,
    Formula,
    Has,
    Items,
    Literal,
    Names,
    Side,
    SomeField,
    SomeItem,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.language.values import Json

Option: TypeAlias = tuple[Literal, ...]
Choice: TypeAlias = tuple[Option, ...]
"""Options of which at least one is to hold."""


def of_exactly_one(parts: tuple[Formula, ...], side: Side, *, positive: bool) -> Choice:
    """That exactly one part holds, or that this is not so."""

    def option(chosen: set[int]) -> Option:
        # The chosen first: an option is plainly false mostly because of them.
        order = sorted(range(len(parts)), key=lambda index: index not in chosen)
        return tuple(Literal(parts[index], index in chosen, side) for index in order)

    if positive:
        return tuple(option({index}) for index in range(len(parts)))
    pairs = (
        (Literal(parts[one], True, side), Literal(parts[other], True, side))
        for other in range(len(parts))
        for one in range(other)
    )
    return (option(set()), *pairs)


def _not_bound(formula: Bound, side: Side) -> Choice:
    return ((Literal(formula.negated(), True, side),),)


def _not_items(formula: Items, side: Side) -> Choice:
    count = len(formula.prefix)
    found = [
        SomeItem(ARRAYS, index, False, frozenset((Literal(part, False, side),)), formula)
        for index, part in enumerate(formula.prefix)
    ]
    found.append(SomeItem(ARRAYS, count, True, frozenset((Literal(formula.rest, False, side),)), formula))
    return tuple((Literal(item, True, side),) for item in found)


def _not_contains(formula: Contains, side: Side) -> Choice:
    found = []
    if formula.least:
        found.append(Contains(ARRAYS, formula.item, 0, formula.least - 1))
    if formula.most is not None:
        found.append(Contains(ARRAYS, formula.item, formula.most + 1, None))
    return tuple((Literal(item, True, side),) for item in found)


def _not_fields(formula: Fields, side: Side) -> Choice:
    found = [
        SomeField(OBJECTS, name, frozenset(), frozenset((Literal(part, False, side),)), formula)
        for name, part in formula.named.items()
    ]
    found += [
        SomeField(
            OBJECTS,
            None,
            frozenset((Literal(pattern, True, side),)),
            frozenset((Literal(part, False, side),)),
            formula,
        )
        for pattern, part in formula.patterns
    ]
    found.append(_other_field(formula, side))
    return tuple((Literal(item, True, side),) for item in found)


def _other_field(formula: Fields, side: Side) -> SomeField:
    names = {Literal(pattern, False, side) for pattern, _ in formula.patterns}
    if formula.named:
        names.add(Literal(Values(formula.named), False, side))
    value = frozenset((Literal(formula.others, False, side),))
    return SomeField(OBJECTS, None, frozenset(names), value, formula)


def _not_names(formula: Names, side: Side) -> Choice:
    # The value says nothing but whose question it is.
    names, value = Literal(formula.name, False, side), Literal(TRUE, True, side)
    return ((Literal(SomeField(OBJECTS, None, frozenset((names,)), frozenset((value,))), True, side),),)


def _not_this_object(value: dict[str, Json], side: Side) -> Iterable[Option]:
    for name, item in value.items():
        differs = frozenset((Literal(Values((item,)), False, side),))
        yield (Literal(Has(OBJECTS, name), False, side),)
        yield (Literal(SomeField(OBJECTS, name, frozenset(), differs), True, side),)
    names = frozenset((Literal(Values(value), False, side),))
    more = SomeField(OBJECTS, None, names, frozenset((Literal(TRUE, True, side),)))
    yield (Literal(more, True, side),)


def _not_this_array(value: list[Json], side: Side) -> Iterable[Option]:
    for index, item in enumerate(value):
        differs = frozenset((Literal(Values((item,)), False, side),))
        yield (Literal(SomeItem(ARRAYS, index, False, differs), True, side),)
    for is_lower in (False, True):
        yield (Literal(Bound(ARRAYS, is_lower, len(value), True), True, side),)


NEGATIONS: Final[dict[type, Callable[[Any, Side], Choice]]] = {
    Bound: _not_bound,
    Items: _not_items,
    Contains: _not_contains,
    Fields: _not_fields,
    Names: _not_names,
}
"""Atoms whose negation is a choice between other atoms."""

TAKEN_APART: Final[dict[str, Callable[[Any, Side], Iterable[Option]]]] = {
    ARRAY: _not_this_array,
    OBJECT: _not_this_object,
}
"""Sorts of values that are told from a listed one part by part."""
