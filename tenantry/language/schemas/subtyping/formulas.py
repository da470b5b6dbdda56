"""What schemas are read into: statements about one JSON value, which are combined, negated and solved.

Numbers are of two sorts, those with and those without a fraction, so that `integer` is a part of `number`.
Formulas are compared by identity: `reading` gives the same one for subschemas that say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tenantry.language.schemas.subtyping.equality import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.language.values import Json

NULL: Final = "null"
BOOLEAN: Final = "boolean"
INTEGER: Final = "integer"
FRACTION: Final = "fraction"
STRING: Final = "string"
ARRAY: Final = "array"
OBJECT: Final = "object"

SORTS: Final = (NULL, BOOLEAN, INTEGER, FRACTION, STRING, ARRAY, OBJECT)
"""The sorts of values, in the order in which examples are looked for."""

NUMBERS: Final = frozenset((INTEGER, FRACTION))
STRINGS: Final = frozenset((STRING,))
ARRAYS: Final = frozenset((ARRAY,))
OBJECTS: Final = frozenset((OBJECT,))


class Side(IntEnum):
    """Where a statement comes from.

    A wish is what is taken of those parts of a value in which its fault does not lie: it is met where that is
    possible, so that a counterexample has one fault.
    """

    GIVEN = 0
    TAKEN = 1
    WISH = 2


class Formula:
    """A statement that is true or false of every JSON value."""

    __slots__ = ()

    @property
    def is_gradual(self) -> bool:
        """Whether it may hold because nothing is known of the value."""
        return False


class Literal(NamedTuple):
    """A formula that is to hold, or not to hold."""

    formula: Formula
    positive: bool
    side: Side


Goal: TypeAlias = frozenset[Literal]
"""Literals that are to hold together, of one value."""


class Node(Formula):
    """A subschema: all its keywords together, read when they are first asked for."""

    __slots__ = ("_is_gradual", "_parts", "_read")

    def __init__(self, read: Callable[[], tuple[Formula, ...]]) -> None:
        self._read = read
        self._parts: tuple[Formula, ...] | None = None
        self._is_gradual: bool | None = None

    @property
    def parts(self) -> tuple[Formula, ...]:
        """What its keywords say."""
        if self._parts is None:
            self._parts = self._read()
        return self._parts

    @property
    def is_gradual(self) -> bool:
        """Whether it may hold because nothing is known of the value."""
        if self._is_gradual is None:
            self._is_gradual = any(part.is_gradual for part in self.parts)
        return self._is_gradual


class _Group(Formula):
    """Several formulas under one connective."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Formula) -> None:
        self.parts = parts

    @property
    def is_gradual(self) -> bool:
        """Whether it may hold because nothing is known of the value."""
        return any(part.is_gradual for part in self.parts)


class Every(_Group):
    """All parts hold."""

    __slots__ = ()


class Either(_Group):
    """At least one part holds."""

    __slots__ = ()


class ExactlyOne(_Group):
    """One part holds, and no other."""

    __slots__ = ()


class Negation(Formula):
    """The part does not hold."""

    __slots__ = ("part",)

    def __init__(self, part: Formula) -> None:
        self.part = part


class Untyped(Formula):
    """True of every value; says that nothing is known of it, and so refutes nothing."""

    __slots__ = ()

    @property
    def is_gradual(self) -> bool:
        """It does."""
        return True


TRUE: Final = Every()
FALSE: Final = Either()


@dataclass(frozen=True, slots=True, eq=False)
class Sorts(Formula):
    """The value is of one of these sorts."""

    sorts: frozenset[str]


class Values(Formula):
    """The value is one of these."""

    __slots__ = ("identities", "values")

    def __init__(self, values: Iterable[Json]) -> None:
        self.values = tuple(values)
        self.identities = frozenset(map(identity, self.values))


@dataclass(frozen=True, slots=True, eq=False)
class Atom(Formula):
    """What one keyword says of values of some sorts; true of all others."""

    sorts: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Bound(Atom):
    """A number, or the length of a string, array or object, is within one bound."""

    is_lower: bool
    limit: int | float
    exclusive: bool = False

    def negated(self) -> Bound:
        """The bound that holds where this one does not."""
        return Bound(self.sorts, not self.is_lower, self.limit, not self.exclusive)


@dataclass(frozen=True, slots=True, eq=False)
class Multiple(Atom):
    """A number is a multiple."""

    of: int | float


@dataclass(frozen=True, slots=True, eq=False)
class Pattern(Atom):
    """A string has a part that matches."""

    pattern: str


@dataclass(frozen=True, slots=True, eq=False)
class Items(Atom):
    """What each item of an array is: the first ones, and all after them."""

    prefix: tuple[Formula, ...]
    rest: Formula

    def at(self, index: int) -> Formula:
        """What the item at an index is."""
        return self.prefix[index] if index < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True, eq=False)
class SomeItem(Atom):
    """An array has an item, at an index or from it on, of which the literals hold.

    Attributes:
        index: of the item, or the first one it may have.
        is_open: whether it may be a later one.
        goal: what holds of the item.
        wish: what the other items should be.
    """

    index: int
    is_open: bool
    goal: Goal
    wish: Items | None = None

    def reaches(self, index: int) -> bool:
        """Whether the item may be the one at an index."""
        return index >= self.index if self.is_open else index == self.index


@dataclass(frozen=True, slots=True, eq=False)
class Contains(Atom):
    """How many items of an array satisfy a formula."""

    item: Formula
    least: int
    most: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Unique(Atom):
    """No two items of an array are equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Has(Atom):
    """An object has a field."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Fields(Atom):
    """What each field of an object is: by its name, by patterns its name matches, or else."""

    named: dict[str, Formula]
    patterns: tuple[tuple[Pattern, Formula], ...]
    others: Formula


@dataclass(frozen=True, slots=True, eq=False)
class SomeField(Atom):
    """An object has a field of which the literals hold, those of its name and those of its value.

    Attributes:
        name: the name, where it is one.
        names: what else holds of the name.
        value: what holds of the value.
        wish: what the other fields should be.
    """

    name: str | None
    names: Goal
    value: Goal
    wish: Fields | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Names(Atom):
    """What the name of each field of an object is."""

    name: Formula
