"""Takes a schema apart into demands, each about one field, so that a change can be told field by field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.schemas.structure import inline
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ITEM: Final = "*"
"""Stands in a field for any item of a list."""

_NOTES: Final = frozenset(
    (
        "$comment",
        "$defs",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "examples",
        "format",
        "readOnly",
        "title",
        "writeOnly",
    )
)
_BY_NAME: Final = frozenset(("additionalProperties", "patternProperties"))
_BY_FIELD: Final = frozenset(("items", "properties", "required")) | _BY_NAME
_WHOLE: Final = frozenset(("prefixItems", "unevaluatedItems", "unevaluatedProperties"))
_IN_PLACE: Final = frozenset(("allOf", "anyOf", "dependentSchemas", "if", "not", "oneOf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A part of what a schema asks of a value.

    Attributes:
        field: whom it is about: names from the outside in, `ITEM` for any item.
        pointer: JSON pointer into the schema, to where it is said.
        schema: what it asks of the whole value.
        is_presence: it asks only that the field is there.
        is_closure: it asks only that there are no fields beside the declared ones.
    """

    field: tuple[str, ...]
    pointer: str
    schema: Any
    is_presence: bool = False
    is_closure: bool = False


def demands(schema: Any) -> Iterator[Demand]:
    """What a schema in which `check` finds no problem asks: a value that meets every demand satisfies it.

    A reference back to itself asks nothing.
    """
    return _demands(inline(schema, schema), (), "", _same)


def closed(schema: Any) -> Any:
    """The schema for objects with the declared fields and no others, which is how `lookup` takes it.

    What combines several schemas stays as open as it is.
    """
    return _close(inline(schema, schema))


def _same(schema: Any) -> Any:
    return schema


def _demands(node: Any, field: tuple[str, ...], pointer: str, wrap: Callable[[Any], Any]) -> Iterator[Demand]:
    if not isinstance(node, dict) or not _WHOLE.isdisjoint(node):
        yield Demand(field=field, pointer=pointer, schema=wrap(node))
        return
    properties: dict[str, Any] = node.get("properties", {})
    plain = {keyword: node[keyword] for keyword in node.keys() - _NOTES - _BY_FIELD}
    if plain:
        yield Demand(field=field, pointer=pointer, schema=wrap(plain))
    for name in node.get("required", ()):
        place = f"/properties{pointer_token(name)}" if name in properties else "/required"
        present = wrap({"required": [name]})
        yield Demand(field=(*field, name), pointer=pointer + place, schema=present, is_presence=True)
    for name, child in properties.items():
        place = f"{pointer}/properties{pointer_token(name)}"
        yield from _demands(child, (*field, name), place, partial(_in_property, wrap, name))
    if not _BY_NAME.isdisjoint(node):
        others = {keyword: node[keyword] for keyword in _BY_NAME & node.keys()}
        others["properties"] = dict.fromkeys(properties, True)
        is_closure = node.get("additionalProperties") is False
        yield Demand(field=field, pointer=pointer, schema=wrap(others), is_closure=is_closure)
    if "items" in node:
        yield from _demands(node["items"], (*field, ITEM), f"{pointer}/items", partial(_in_items, wrap))


def _in_property(wrap: Callable[[Any], Any], name: str, schema: Any) -> Any:
    return wrap({"properties": {name: schema}})


def _in_items(wrap: Callable[[Any], Any], schema: Any) -> Any:
    return wrap({"items": schema})


def _close(node: Any) -> Any:
    if not isinstance(node, dict) or not _IN_PLACE.isdisjoint(node) or not _WHOLE.isdisjoint(node):
        return node
    closing = dict(node)
    if "properties" in node:
        closing["properties"] = {name: _close(child) for name, child in node["properties"].items()}
        closing.setdefault("additionalProperties", "patternProperties" in node)
    if "items" in node:
        closing["items"] = _close(node["items"])
    return closing
