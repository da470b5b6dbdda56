"""The structure of a JSON Schema: its subschemas and references. What looks into schemas walks with these."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA: Final = frozenset(
    (
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_SCHEMAS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_NAMED_SCHEMAS: Final = frozenset(
    ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
)
_DEFINITIONS: Final = frozenset(("$defs", "definitions"))

_IN_PLACE: Final = frozenset(
    ("$ref", "allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then")
)

MAX_EXPANDED: Final = 10_000
"""Subschemas of a schema with its references written out: past it one value could take seconds to judge."""

_MAX_TRAIL: Final = 128
_MAX_INLINED: Final = 2_000


class Expansion(NamedTuple):
    """What a schema becomes with its references written out.

    Attributes:
        size: how many subschemas it has, at most `MAX_EXPANDED + 1`; a reference back to itself is one.
        recursions: how many of them are such references.
        loops: whether a reference leads back to itself at the same value, and so nowhere.
    """

    size: int
    recursions: int
    loops: bool


def subschemas(schema: Any) -> Iterator[tuple[str, Any]]:
    """The direct subschemas, each with its JSON pointer from here, in the order of the document."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        pointer = pointer_token(keyword)
        if keyword in _SCHEMA:
            yield pointer, value
        elif keyword in _SCHEMAS and isinstance(value, list):
            yield from ((pointer + pointer_token(index), item) for index, item in enumerate(value))
        elif keyword in _NAMED_SCHEMAS and isinstance(value, dict):
            yield from ((pointer + pointer_token(name), item) for name, item in value.items())


def resolve(root: Any, reference: str) -> Any:
    """The subschema that a `$ref` such as `#/$defs/user` leads to in a schema without problems."""
    node = root
    for token in unquote(reference).split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def expansion(root: Any) -> Expansion:
    """How large the schema is with its references written out; definitions nobody refers to do not count."""
    found = _Expander(root).expand(root, ())
    return found._replace(loops=found.recursions > 0 and _loops(root))


def size_of(schema: Any) -> int:
    """How many subschemas and choices a schema without references has, what its parts share written out.

    At most `MAX_EXPANDED + 1`. Counting takes as long as there are parts, however often they are shared.
    """
    sizes: dict[int, int] = {}
    stack = [(schema, False)]
    while stack:
        node, is_counted = stack.pop()
        if id(node) in sizes or not isinstance(node, dict):
            continue
        children = _parts(node)
        if is_counted:
            size = 1 + len(node.get("enum", ())) + sum(sizes.get(id(child), 1) for child in children)
            sizes[id(node)] = min(size, MAX_EXPANDED + 1)
        else:
            stack.append((node, True))
            stack += [(child, False) for child in children]
    return sizes.get(id(schema), 1)


def inline(root: Any, node: Any) -> Any:
    """The subschema with its references written out, so that it means the same without its root.

    A reference back to itself becomes `UNTYPED`, as does what is past the first two thousand subschemas: who
    compares schemas then knows less, and never something wrong.
    """
    return _inline(Same(root), Same(node)) if isinstance(node, dict) else node


class Same:
    """A schema, equal to itself only: looking at all of it to see whether another is equal costs as much."""

    __slots__ = ("schema",)

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.schema is other.schema

    def __hash__(self) -> int:
        return id(self.schema)


@lru_cache(maxsize=4_096)
def _inline(root: Same, node: Same) -> Any:
    return _Inliner(root.schema).inline(node.schema, ()) if _has_reference(node.schema) else node.schema


@dataclass(slots=True)
class _Expander:
    """Measures each subschema once, by identity; `trail` are those being measured, outermost first.

    It does not see loops: what a subschema measures is the same wherever it is reached from, loops are not.
    """

    root: Any
    known: dict[int, Expansion] = field(default_factory=dict)

    def expand(self, node: Any, trail: tuple[int, ...]) -> Expansion:
        """Measures one node."""
        if not isinstance(node, dict):
            return Expansion(1, 0, loops=False)
        if id(node) in trail:
            return Expansion(1, 1, loops=False)
        if len(trail) > _MAX_TRAIL:
            return Expansion(MAX_EXPANDED + 1, 0, loops=False)
        if id(node) not in self.known:
            self.known[id(node)] = self._measure(node, (*trail, id(node)))
        return self.known[id(node)]

    def _measure(self, node: dict[str, Any], trail: tuple[int, ...]) -> Expansion:
        parts = [self.expand(child, trail) for _, child in _children(self.root, node)]
        size = 1 + sum(part.size for part in parts)
        recursions = sum(part.recursions for part in parts)
        return Expansion(
            min(size, MAX_EXPANDED + 1),
            min(recursions, MAX_EXPANDED + 1),
            loops=False,
        )


def _children(root: Any, node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a subschema applies, with the keyword that does it."""
    for pointer, child in subschemas(node):
        keyword = pointer.split("/")[1]
        if keyword not in _DEFINITIONS:
            yield keyword, child
    if "$ref" in node:
        yield "$ref", resolve(root, node["$ref"])


def _loops(root: Any) -> bool:
    """Whether some subschema applies itself to the value it is applied to."""
    graph: dict[int, list[int]] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, dict) and id(node) not in graph:
            children = list(_children(root, node))
            graph[id(node)] = [id(child) for keyword, child in children if keyword in _IN_PLACE]
            stack += [child for _, child in children]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def _has_reference(node: Any) -> bool:
    stack, seen = [node], set[int]()
    while stack:
        schema = stack.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        if "$ref" in schema:
            return True
        seen.add(id(schema))  # what inference makes shares its parts, and written out has no end
        stack += _parts(schema)
    return False


def _parts(node: dict[str, Any]) -> list[Any]:
    """The direct subschemas of a right schema, without their pointers, which would take most of the time."""
    parts: list[Any] = []
    for keyword, value in node.items():
        if keyword in _SCHEMA:
            parts.append(value)
        elif keyword in _SCHEMAS:
            parts += value
        elif keyword in _NAMED_SCHEMAS:
            parts += value.values()
    return parts


@dataclass(slots=True)
class _Inliner:
    """Writes references out, up to a number of subschemas; `trail` are the references being written out."""

    root: Any
    left: int = _MAX_INLINED

    def inline(self, node: Any, trail: tuple[str, ...]) -> Any:
        """Writes out the references of one node."""
        self.left -= 1
        if not isinstance(node, dict):
            return node
        if self.left < 0:
            return UNTYPED
        inlined = {
            keyword: self._inline_keyword(keyword, value, trail)
            for keyword, value in node.items()
            if keyword not in _DEFINITIONS and keyword != "$ref"
        }
        reference = node.get("$ref")
        if reference is None:
            return inlined
        if reference in trail:
            return {**inlined, **UNTYPED}
        target = self.inline(resolve(self.root, reference), (*trail, reference))
        return {**inlined, "allOf": [*inlined.get("allOf", ()), target]} if inlined else target

    def _inline_keyword(self, keyword: str, value: Any, trail: tuple[str, ...]) -> Any:
        if keyword in _SCHEMA:
            return self.inline(value, trail)
        if keyword in _SCHEMAS:
            return [self.inline(item, trail) for item in value]
        if keyword in _NAMED_SCHEMAS:
            return {name: self.inline(item, trail) for name, item in value.items()}
        return value
