"""What a schema says at one look: which kinds of values it allows, whether null is one, all of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.schemas.structure import inline, size_of
from tenantry.language.schemas.types import types_of
from tenantry.language.schemas.untyped import UNTYPED, is_untyped
from tenantry.language.values import canonical_json

if TYPE_CHECKING:
    from tenantry.language.values import Json

KINDS: Final = frozenset(("null", "boolean", "number", "string", "array", "object"))
"""The kinds of values in the words of conditions: all numbers are one kind."""

MAX_KNOWN: Final = 2_000
"""Subschemas of what is known of one value."""

NULL: Final[dict[str, Any]] = {"type": "null"}
NOT_NULL: Final[dict[str, Any]] = {"type": ["array", "boolean", "number", "object", "string"]}


def kinds_of(schema: Any) -> frozenset[str]:
    """The kinds a schema allows; all of them when it does not say."""
    types = types_of(schema, schema)
    return KINDS if types is None else frozenset(map(_kind, types))


def known_kinds(schema: Any) -> frozenset[str]:
    """The kinds that values are known to be of: of a schema that says nothing of it, none."""
    if is_untyped(schema):
        return frozenset()
    if isinstance(schema, dict) and schema.keys() == {"anyOf"}:
        return frozenset[str]().union(*map(known_kinds, schema["anyOf"]))
    kinds = kinds_of(schema)
    return frozenset() if kinds == KINDS else kinds


def values_of(schema: Any) -> tuple[Json, ...] | None:
    """The only values a schema allows, when it lists them."""
    if not isinstance(schema, dict):
        return None
    if "const" in schema:
        return (schema["const"],)
    if "anyOf" in schema:
        listed = [values_of(member) for member in schema["anyOf"]]
        return None if None in listed else tuple(value for values in listed for value in values or ())
    if "enum" in schema:
        return tuple(schema["enum"])
    return {"null": (None,), "boolean": (False, True)}.get(str(schema.get("type")))


def bounded(schema: Any) -> Any:
    """The schema, or nothing known when it has become too large: templates may double one in every step."""
    return schema if size_of(schema) <= MAX_KNOWN else UNTYPED


def union(schemas: list[Any]) -> Any:
    """The schema of a value that satisfies one of these, each once, single values in one `enum`."""
    if len(schemas) == 1:
        return schemas[0]
    schemas = [inline(schema, schema) for schema in schemas]
    singles = {canonical_json(schema["const"]): schema["const"] for schema in schemas if _is_single(schema)}
    others = {repr(schema): schema for schema in schemas if not _is_single(schema)}
    values = list(singles.values())
    members = [{"const": values[0]} if len(values) == 1 else {"enum": values}] if values else []
    members += others.values()
    return members[0] if len(members) == 1 else bounded({"anyOf": members})


def nullable(schema: Any) -> Any:
    """A schema that allows null as well."""
    return schema if schema == NULL else {"anyOf": [inline(schema, schema), NULL]}


def without_null(schema: Any) -> Any:
    """The schema of the same values but for null."""
    if "null" not in kinds_of(schema) or is_untyped(schema):
        return schema
    if not isinstance(schema, dict):
        return NOT_NULL
    taken_apart = _taken_apart(schema)
    if "null" not in kinds_of(taken_apart):
        return taken_apart
    return {"allOf": [schema, NOT_NULL]}


def with_default(schema: Any, default: Json, *, optional: bool) -> Any:
    """The schema of a reference with a default, which stands in for null and for what is not there."""
    kinds = kinds_of(schema)
    if not optional and "null" not in kinds:
        return schema
    if kinds == {"null"}:
        return {"const": default}
    return union([without_null(schema), {"const": default}])


def _is_single(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.keys() == {"const"}


def _taken_apart(schema: dict[str, Any]) -> dict[str, Any]:
    parts = dict(schema)
    if isinstance(schema.get("type"), list):
        names = [name for name in schema["type"] if name != "null"]
        parts["type"] = names[0] if len(names) == 1 else names
    if "enum" in schema:
        parts["enum"] = [value for value in schema["enum"] if value is not None]
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            members = [without_null(member) for member in schema[keyword] if kinds_of(member) != {"null"}]
            parts[keyword] = members
    if schema.keys() == {"anyOf"} and len(parts["anyOf"]) == 1:
        return parts["anyOf"][0]  # type: ignore[no-any-return]  # a member that allowed null was a mapping
    return parts


def _kind(name: str) -> str:
    return "number" if name == "integer" else name
