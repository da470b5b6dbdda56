"""How much work a schema makes of a value: the bound that keeps any pair of them quick to judge.

The engine judges without letting anything else run, so what takes it long stops every other execution.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.language.schemas.structure import resolve
from tenantry.language.schemas.types import types_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.values import Json

MAX_WORK: Final = 2_000_000
"""Subschemas applied to one value, all its parts together: 0.4 s at the 180 to 240 ns that one takes."""

FREE_VISITS: Final = 4
"""Up to so many subschemas for each part nothing is counted: the engine is then as quick as counting."""

_CHARACTERS: Final = 128  # of a text that a pattern goes through while a subschema is applied
_HASHED: Final = 8  # applications that telling one item from the others is worth, where items are not scalars
_LOOKED_UP: Final = 8  # names that are looked up while a subschema is applied
_SCALARS: Final = frozenset(("null", "boolean", "integer", "number", "string"))
_IN_PLACE: Final = ("else", "if", "not", "then")
_IN_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")


class _Visits(NamedTuple):
    """How many subschemas are applied to a value by one of its schemas, and at most to a part of it."""

    here: int
    below: int

    @property
    def most(self) -> int:
        return max(self)


_LEAF: Final = _Visits(1, 0)


def visits(root: Any) -> int:
    """At most how many subschemas are applied to one part of a value, by a schema without problems.

    A reference back to an outer subschema counts as much as that subschema's own keywords.
    """
    return _Visitor(root).measure(root, ()).most


def exceeds(value: Json, most: int) -> bool:
    """Whether a value has more parts than that; texts and names count as one for each 128 characters."""
    count, stack = 0, [value]
    while stack and count <= most:
        item = stack.pop()
        if isinstance(item, str):
            count += len(item) // _CHARACTERS
        elif isinstance(item, list):
            stack += item
        elif isinstance(item, dict):
            stack += item.values()
            count += sum(map(len, item)) // _CHARACTERS
        count += 1
        if count + len(stack) > most:
            return True
    return count > most


@dataclass(slots=True)
class _Visitor:
    """Measures each subschema once, by identity; the trail are those around it."""

    root: Any
    known: dict[int, _Visits] = field(default_factory=dict)

    def measure(self, node: Any, trail: tuple[int, ...]) -> _Visits:
        if not isinstance(node, dict):
            return _LEAF
        if id(node) in trail:
            return _Visits(self._weight(node), 0)
        if id(node) not in self.known:
            self.known[id(node)] = self._measure(node, (*trail, id(node)))
        return self.known[id(node)]

    def _measure(self, node: dict[str, Any], trail: tuple[int, ...]) -> _Visits:
        parts = [self.measure(child, trail) for child in self._in_place(node)]
        here = self._weight(node) + sum(part.here for part in parts)
        below = self._children(node, trail) + sum(part.below for part in parts)
        # What is not evaluated is found by applying the subschemas once more.
        times = 2 if "unevaluatedItems" in node or "unevaluatedProperties" in node else 1
        return _Visits(here * times, below * times)

    def _in_place(self, node: dict[str, Any]) -> Iterator[Any]:
        for keyword in _IN_PLACE_LISTS:
            yield from node.get(keyword, ())
        yield from (node[keyword] for keyword in _IN_PLACE if keyword in node)
        yield from node.get("dependentSchemas", {}).values()
        if "$ref" in node:
            yield resolve(self.root, node["$ref"])

    def _children(self, node: dict[str, Any], trail: tuple[int, ...]) -> int:
        def most(children: Iterable[Any]) -> int:
            return max((self.measure(child, trail).most for child in children), default=0)

        def one(keyword: str) -> int:
            return most((node[keyword],)) if keyword in node else 0

        named = max(most(node.get("properties", {}).values()), one("additionalProperties"))
        patterns = sum(most((child,)) for child in node.get("patternProperties", {}).values())
        fields = named + patterns + one("unevaluatedProperties") + one("propertyNames")
        listed = max(most(node.get("prefixItems", ())), one("items"))
        return max(fields, listed + one("contains") + one("unevaluatedItems"))

    def _weight(self, node: dict[str, Any]) -> int:
        names = len(node.get("dependentRequired", ())) // _LOOKED_UP
        return 1 + names + _choices(node.get("enum", ())) + self._uniqueness(node)

    def _uniqueness(self, node: dict[str, Any]) -> int:
        if not node.get("uniqueItems"):
            return 0
        kinds = types_of(self.root, node.get("items", True))
        return 0 if kinds is not None and kinds <= _SCALARS else _HASHED


def _choices(choices: list[Any]) -> int:
    """How many are compared one by one: texts among texts are found at once, and so are numbers."""
    kinds = {float if type(choice) is int else type(choice) for choice in choices}
    return 0 if kinds <= {str} or kinds <= {float} else len(choices)
