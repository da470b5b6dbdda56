"""Which kinds of values a schema allows, in the words of conditions: all numbers are one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.schemas.types import types_of

if TYPE_CHECKING:
    from tenantry.language.values import Json

KINDS: Final = frozenset(("null", "boolean", "number", "string", "array", "object"))

_PLAIN: Final = frozenset(("type", "properties", "required", "items", "format", "title", "description"))


def kinds_of(schema: Any) -> frozenset[str]:
    """The kinds a schema allows; all of them when it does not say."""
    types = types_of(schema, schema)
    return KINDS if types is None else frozenset(map(_kind, types))


def values_of(schema: Any) -> tuple[Json, ...] | None:
    """The only values a schema allows, when it lists them."""
    if not isinstance(schema, dict):
        return None
    if "const" in schema:
        return (schema["const"],)
    if "anyOf" in schema:
        listed = [values_of(member) for member in schema["anyOf"]]
        return None if None in listed else tuple(value for values in listed for value in values or ())
    return tuple(schema["enum"]) if "enum" in schema else None


def nullable(schema: Any) -> Any:
    """A schema that allows null as well."""
    return {"anyOf": [schema, {"type": "null"}]}


def with_default(schema: Any, default: Json) -> Any:
    """The schema of a reference with a default: null becomes the default, everything else stays.

    Nothing is said of a schema that may allow null in a way we do not take apart.
    """
    if "null" in kinds_of(schema):
        if (
            not isinstance(schema, dict)
            or not schema.keys() <= _PLAIN
            or not isinstance(schema.get("type"), list)
        ):
            return {}
        schema = {**schema, "type": [name for name in schema["type"] if name != "null"]}
    return {"anyOf": [schema, {"const": default}]}


def _kind(name: str) -> str:
    return "number" if name == "integer" else name
