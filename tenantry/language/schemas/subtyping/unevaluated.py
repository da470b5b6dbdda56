"""What `unevaluatedProperties` and `unevaluatedItems` judge: what no other keyword of their subschema has.

Which keywords have judged a part depends on which alternatives a value satisfies, so the statement is one for
each way in which the conditional subschemas may hold or not; of any value exactly one of the ways is true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final, Protocol

from tenantry.language.schemas.subtyping.formulas import (
    ARRAYS,
    OBJECTS,
    STRINGS,
    TRUE,
    Either,
    Every,
    Fields,
    Formula,
    Has,
    Items,
    Negation,
    Pattern,
    Sorts,
)
from tenantry.language.schemas.subtyping.steps import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WAYS: Final = 64


class Nodes(Protocol):
    """The reader of the schema."""

    def node(self, schema: Any) -> Formula:
        """The formula of a subschema."""

    def resolve(self, reference: str) -> Any:
        """The subschema a reference leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way in which the conditional subschemas hold, and what they have judged then.

    Attributes:
        conditions: true of a value exactly when it goes this way.
        names: of fields that are judged.
        patterns: of the names of fields that are judged.
        fields: whether all fields are judged.
        prefix: how many first items are judged.
        contained: items that satisfy one of these are judged.
        items: whether all items are judged.
    """

    conditions: tuple[Formula, ...] = ()
    names: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    fields: bool = False
    prefix: int = 0
    contained: tuple[Formula, ...] = ()
    items: bool = False

    def __and__(self, other: _Way) -> _Way:
        return _Way(
            conditions=self.conditions + other.conditions,
            names=self.names | other.names,
            patterns=self.patterns | other.patterns,
            fields=self.fields or other.fields,
            prefix=max(self.prefix, other.prefix),
            contained=self.contained + other.contained,
            items=self.items or other.items,
        )

    def given(self, *conditions: Formula) -> _Way:
        """The same under further conditions."""
        return replace(self, conditions=conditions + self.conditions)


def unevaluated_fields(nodes: Nodes, schema: dict[str, Any]) -> Formula:
    """What `unevaluatedProperties` of a subschema says."""
    rest = nodes.node(schema["unevaluatedProperties"])
    others = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
    ways = []
    for way in _ways(nodes, others):
        named: dict[str, Formula] = dict.fromkeys(sorted(way.names), TRUE)
        patterns = tuple((Pattern(STRINGS, pattern), TRUE) for pattern in sorted(way.patterns))
        judged = TRUE if way.fields else Fields(OBJECTS, named, patterns, rest)
        ways.append(Every(*way.conditions, judged))
    return Either(*ways)


def unevaluated_items(nodes: Nodes, schema: dict[str, Any]) -> Formula:
    """What `unevaluatedItems` of a subschema says."""
    rest = nodes.node(schema["unevaluatedItems"])
    others = {key: value for key, value in schema.items() if key != "unevaluatedItems"}
    ways = []
    for way in _ways(nodes, others):
        item = Either(*way.contained, rest) if way.contained else rest
        judged = TRUE if way.items else Items(ARRAYS, (TRUE,) * way.prefix, item)
        ways.append(Every(*way.conditions, judged))
    return Either(*ways)


def _ways(nodes: Nodes, schema: Any) -> list[_Way]:
    """The ways of a subschema that holds."""
    if not isinstance(schema, dict):
        return [_Way()]
    groups = [[_own(nodes, schema)]]
    if "$ref" in schema:
        groups.append(_ways(nodes, nodes.resolve(schema["$ref"])))
    groups += [_ways(nodes, child) for child in schema.get("allOf", ())]
    groups += [_optional(nodes, nodes.node(child), child) for child in schema.get("anyOf", ())]
    if "oneOf" in schema:
        groups.append(_exclusive(nodes, schema["oneOf"]))
    for name, child in schema.get("dependentSchemas", {}).items():
        present = Every(Sorts(OBJECTS), Has(OBJECTS, name))
        groups.append(_optional(nodes, present, child))
    if "if" in schema:
        groups.append(_conditional(nodes, schema))
    return _combined(groups)


def _own(nodes: Nodes, schema: dict[str, Any]) -> _Way:
    contained = (nodes.node(schema["contains"]),) if "contains" in schema else ()
    return _Way(
        names=frozenset(schema.get("properties", ())),
        patterns=frozenset(schema.get("patternProperties", ())),
        fields="additionalProperties" in schema or "unevaluatedProperties" in schema,
        prefix=len(schema.get("prefixItems", ())),
        contained=contained,
        items="items" in schema or "unevaluatedItems" in schema,
    )


def _optional(nodes: Nodes, condition: Formula, child: Any) -> list[_Way]:
    """The ways of a subschema that counts where a condition holds."""
    ways = _ways(nodes, child)
    if ways == [_Way()]:
        return ways
    return [_Way(conditions=(Negation(condition),)), *(way.given(condition) for way in ways)]


def _exclusive(nodes: Nodes, children: list[Any]) -> list[_Way]:
    """The ways of subschemas exactly one of which holds."""
    groups = [_ways(nodes, child) for child in children]
    if all(ways == [_Way()] for ways in groups):
        return [_Way()]
    return [
        way.given(nodes.node(child)) for child, ways in zip(children, groups, strict=True) for way in ways
    ]


def _conditional(nodes: Nodes, schema: dict[str, Any]) -> list[_Way]:
    condition = nodes.node(schema["if"])
    then = _combined([_ways(nodes, schema["if"]), _ways(nodes, schema.get("then", True))])
    otherwise = _ways(nodes, schema.get("else", True))
    if then == otherwise == [_Way()]:
        return then
    return [
        *(way.given(condition) for way in then),
        *(way.given(Negation(condition)) for way in otherwise),
    ]


def _combined(groups: Iterable[list[_Way]]) -> list[_Way]:
    groups = [group for group in groups if group != [_Way()]]
    if prod(map(len, groups)) > MAX_WAYS:
        raise UndecidedError("unevaluatedProperties or unevaluatedItems beside too many alternatives")
    ways = []
    for choice in product(*groups):
        way = _Way()
        for part in choice:
            way &= part
        ways.append(way)
    return ways
