"""Whether alternatives plainly exclude each other, as those of a `oneOf` mostly do: then it is an `anyOf`."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tenantry.language.schemas.subtyping.equality import identity
from tenantry.language.schemas.types import types_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tenantry.language.values import Json


def exclude_each_other(schemas: list[Any]) -> bool:
    """Whether no value satisfies two of the schemas, by their types or by a field that tells them apart."""
    if not all(isinstance(schema, dict) and "$ref" not in schema for schema in schemas):
        return False
    return _by_type(schemas) or any(_by_field(schemas, name) for name in _required(schemas[0]))


def _by_type(schemas: list[dict[str, Any]]) -> bool:
    types = [types_of(schema, {"type": schema["type"]} if "type" in schema else True) for schema in schemas]
    return all(a is not None and b is not None and not a & b for a, b in combinations(types, 2))


def _by_field(schemas: list[dict[str, Any]], name: str) -> bool:
    """Whether all are objects in which a required field has a different value."""
    counts: Counter[Hashable] = Counter()
    for schema in schemas:
        values = _values(schema, name)
        if values is None:
            return False
        counts.update({identity(value) for value in values})
    return max(counts.values()) == 1


def _required(schema: dict[str, Any]) -> list[str]:
    return list(schema.get("required", ()))


def _values(schema: dict[str, Any], name: str) -> list[Json] | None:
    """The values a required field may have, where they are listed."""
    field = schema.get("properties", {}).get(name)
    if schema.get("type") != "object" or name not in _required(schema) or not isinstance(field, dict):
        return None
    return [field["const"]] if "const" in field else field.get("enum")
