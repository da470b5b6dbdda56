"""Reads JSON Schemas into formulas, keyword by keyword. `compare` asks it of both schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from tenantry.language.schemas.structure import resolve
from tenantry.language.schemas.subtyping.exclusion import exclude_each_other
from tenantry.language.schemas.subtyping.formulas import (
    ARRAYS,
    FALSE,
    FRACTION,
    INTEGER,
    NUMBERS,
    OBJECTS,
    SORTS,
    STRINGS,
    TRUE,
    Bound,
    Contains,
    Either,
    Every,
    ExactlyOne,
    Fields,
    Formula,
    Has,
    Items,
    Multiple,
    Names,
    Negation,
    Node,
    Pattern,
    Sorts,
    Unique,
    Untyped,
    Values,
)
from tenantry.language.schemas.subtyping.unevaluated import unevaluated_fields, unevaluated_items
from tenantry.language.schemas.untyped import is_untyped

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOUNDS: Final = {
    "minimum": (NUMBERS, True, False),
    "exclusiveMinimum": (NUMBERS, True, True),
    "maximum": (NUMBERS, False, False),
    "exclusiveMaximum": (NUMBERS, False, True),
    "minLength": (STRINGS, True, False),
    "maxLength": (STRINGS, False, False),
    "minItems": (ARRAYS, True, False),
    "maxItems": (ARRAYS, False, False),
    "minProperties": (OBJECTS, True, False),
    "maxProperties": (OBJECTS, False, False),
}
_FIELDS: Final = ("properties", "patternProperties", "additionalProperties")
_NOT_OBJECTS: Final = Sorts(frozenset(SORTS) - OBJECTS)


class Reader:
    """Reads the subschemas of one root. Readers that share `nodes` give one formula for equal subschemas."""

    def __init__(self, root: Any, nodes: dict[bytes, Node]) -> None:
        self._root = root
        self._root_key = _key(root)
        self._nodes = nodes

    def node(self, schema: Any) -> Formula:
        """The formula of a subschema; its keywords are read when they are asked for."""
        if isinstance(schema, bool):
            return TRUE if schema else FALSE
        key = _key(schema)
        if b"$ref" in key:
            key += self._root_key
        if key not in self._nodes:
            self._nodes[key] = Node(lambda: tuple(self._read(schema)))
        return self._nodes[key]

    def resolve(self, reference: str) -> Any:
        """The subschema a `$ref` leads to."""
        return resolve(self._root, reference)

    def _read(self, schema: dict[str, Any]) -> Iterator[Formula]:
        if is_untyped(schema):
            yield Untyped()
        yield from _values(schema)
        for keyword, (sorts, is_lower, exclusive) in _BOUNDS.items():
            if keyword in schema:
                yield Bound(sorts, is_lower, schema[keyword], exclusive)
        if "multipleOf" in schema:
            yield Multiple(NUMBERS, schema["multipleOf"])
        if "pattern" in schema:
            yield Pattern(STRINGS, schema["pattern"])
        yield from self._of_objects(schema)
        yield from self._of_arrays(schema)
        yield from self._in_place(schema)

    def _of_objects(self, schema: dict[str, Any]) -> Iterator[Formula]:
        for name in schema.get("required", ()):
            yield Has(OBJECTS, name)
        if not schema.keys().isdisjoint(_FIELDS):
            yield self._fields(schema)
        if "propertyNames" in schema:
            yield Names(OBJECTS, self.node(schema["propertyNames"]))
        for name, others in schema.get("dependentRequired", {}).items():
            yield _depends(name, Every(*(Has(OBJECTS, other) for other in others)))
        for name, child in schema.get("dependentSchemas", {}).items():
            yield _depends(name, self.node(child))
        if "unevaluatedProperties" in schema:
            yield unevaluated_fields(self, schema)

    def _fields(self, schema: dict[str, Any]) -> Fields:
        return Fields(
            OBJECTS,
            {name: self.node(child) for name, child in schema.get("properties", {}).items()},
            tuple(
                (Pattern(STRINGS, pattern), self.node(child))
                for pattern, child in schema.get("patternProperties", {}).items()
            ),
            self.node(schema.get("additionalProperties", True)),
        )

    def _of_arrays(self, schema: dict[str, Any]) -> Iterator[Formula]:
        if "items" in schema or "prefixItems" in schema:
            prefix = tuple(self.node(child) for child in schema.get("prefixItems", ()))
            yield Items(ARRAYS, prefix, self.node(schema.get("items", True)))
        if "contains" in schema:
            least, most = schema.get("minContains", 1), schema.get("maxContains")
            yield Contains(
                ARRAYS, self.node(schema["contains"]), int(least), None if most is None else int(most)
            )
        if schema.get("uniqueItems"):
            yield Unique(ARRAYS)
        if "unevaluatedItems" in schema:
            yield unevaluated_items(self, schema)

    def _in_place(self, schema: dict[str, Any]) -> Iterator[Formula]:
        if "$ref" in schema:
            yield self.node(self.resolve(schema["$ref"]))
        yield from map(self.node, schema.get("allOf", ()))
        if "anyOf" in schema:
            yield Either(*map(self.node, schema["anyOf"]))
        if "oneOf" in schema:
            connective = Either if exclude_each_other(schema["oneOf"]) else ExactlyOne
            yield connective(*map(self.node, schema["oneOf"]))
        if "not" in schema:
            yield Negation(self.node(schema["not"]))
        if "if" in schema:
            condition = self.node(schema["if"])
            yield Either(Negation(condition), self.node(schema.get("then", True)))
            yield Either(condition, self.node(schema.get("else", True)))


def _values(schema: dict[str, Any]) -> Iterator[Formula]:
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        names = frozenset(types)
        yield Sorts((names - {"number"}) | {INTEGER, FRACTION} if "number" in names else names)
    if "const" in schema:
        yield Values((schema["const"],))
    if "enum" in schema:
        yield Values(tuple(schema["enum"]))


def _depends(name: str, consequence: Formula) -> Formula:
    return Either(_NOT_OBJECTS, Negation(Has(OBJECTS, name)), consequence)


def _key(schema: Any) -> bytes:
    try:
        return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a number that no value can hold, in a bound or an enum
        return repr(schema).encode()
