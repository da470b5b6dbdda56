"""Which JSON types a schema allows. Looking up paths and comparing schemas begin with that."""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.schemas.structure import Same, resolve
from tenantry.language.values import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONG: Final = 100


def types_of(root: Any, node: Any) -> frozenset[str] | None:
    """The types that values of a subschema may have, or `None` when it does not say.

    `integer` are the numbers without a fraction, `number` those with one; the schema type number is both.

    Args:
        root: the whole schema, in which `check` finds no problem.
        node: a subschema of it.
    """
    if node is False:
        return frozenset()
    if not isinstance(node, dict):
        return None
    said = [types for types in _said(root, node) if types is not None]
    return reduce(frozenset.intersection, said) if said else None


def _said(root: Any, node: dict[str, Any]) -> Iterator[frozenset[str] | None]:
    if "type" in node:
        yield _listed(node)
    if "const" in node:
        yield _of_values([node["const"]])
    if "enum" in node:
        yield _of_values(node["enum"])
    if "$ref" in node:
        yield types_of(root, resolve(root, node["$ref"]))
    yield from (types_of(root, member) for member in node.get("allOf", ()))
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            yield _union([types_of(root, member) for member in node[keyword]])


def _listed(node: dict[str, Any]) -> frozenset[str]:
    types = {node["type"]} if isinstance(node["type"], str) else set(node["type"])
    if "number" in types:
        types.add("integer")
        if node.get("multipleOf", 0.5) % 1 == 0:
            types.remove("number")
    return frozenset(types)


def _of_values(values: list[Any]) -> frozenset[str]:
    return _of_same_values(Same(values)) if len(values) > _LONG else _kinds(values)


def _kinds(values: list[Any]) -> frozenset[str]:
    return frozenset(
        "integer" if isinstance(value, float) and value.is_integer() else type_name(value) for value in values
    )


@lru_cache(maxsize=16)
def _of_same_values(values: Same) -> frozenset[str]:
    """Asked of the same list for every template that reads a value of it; few are kept, as they are long."""
    return _kinds(values.schema)


def _union(members: list[frozenset[str] | None]) -> frozenset[str] | None:
    known = [member for member in members if member is not None]
    return frozenset().union(*known) if len(known) == len(members) else None
