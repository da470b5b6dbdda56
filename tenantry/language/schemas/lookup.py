"""What a schema says about the value at a path. Validation resolves templates with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenantry.language.schemas.structure import inline, resolve
from tenantry.language.schemas.types import types_of
from tenantry.language.schemas.untyped import UNTYPED, is_untyped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Found:
    """The path leads to a value.

    Attributes:
        schema: what is known of the value, references written out; `UNTYPED` when nothing is.
        optional: whether the value may be absent although the whole is valid: a field on the way is not
            required, an item may be past the end, or something on the way may be null.
        assumed: whether something on the way is only taken for an object or an array, and may be neither.
    """

    schema: Any
    optional: bool = False
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """The schema has no place for what the path names.

    Attributes:
        at: index in the path of the step that leads nowhere.
        known: the fields there are instead, sorted; empty when there is a value without fields.
    """

    at: int
    known: tuple[str, ...] = ()


def lookup(schema: Any, path: Sequence[str | int]) -> Found | Missing:
    """Follows a path through a schema in which `check` finds no problem.

    An object that lists properties has those and no others, unless it says `additionalProperties` or
    `patternProperties`, although JSON Schema would allow more: a field nobody has declared is most likely
    misspelt. A schema that says nothing about a step leaves it open, and the rest of the path with it. One
    that lists properties and no type is taken for an object's, and in the same way for arrays.
    """
    node, optional, assumed = schema, False, False
    for index, key in enumerate(path):
        assumed = assumed or types_of(schema, node) is None
        answer = _Step(schema, key).follow(node)
        if answer is None:
            return Found(UNTYPED, optional, assumed)
        if isinstance(answer, Missing):
            return Missing(index, answer.known)
        node, optional = answer.schema, optional or answer.optional
    return Found({} if node is True else inline(schema, node), optional, assumed)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a path. Every method answers `None` where the schema leaves the step open."""

    root: Any
    key: str | int

    def follow(self, node: Any) -> Found | Missing | None:
        """What all keywords of a subschema say together."""
        if is_untyped(node):
            return Found(UNTYPED)  # nobody can say that it is not there
        types = types_of(self.root, node)
        container = "object" if isinstance(self.key, str) else "array"
        if types is not None and container not in types:
            return Missing(0)
        answer = _all_of([*self._each(node)]) if isinstance(node, dict) else None
        if isinstance(answer, Found) and types is not None and types != {container}:
            return Found(answer.schema, optional=True)
        return answer

    def _each(self, node: dict[str, Any]) -> Iterator[Found | Missing | None]:
        yield self._field(node, self.key) if isinstance(self.key, str) else _item(node, self.key)
        if "$ref" in node:
            yield self.follow(resolve(self.root, node["$ref"]))
        yield from map(self.follow, node.get("allOf", ()))
        for keyword in ("anyOf", "oneOf"):
            if keyword in node:
                yield _any_of([*map(self.follow, node[keyword])])
        if "if" in node:
            yield _any_of([self.follow(node.get(branch, True)) for branch in ("then", "else")])

    @staticmethod
    def _field(node: dict[str, Any], key: str) -> Found | Missing | None:
        properties = node.get("properties", {})
        if key in properties:
            return Found(properties[key], optional=key not in node.get("required", ()))
        if key in node.get("required", ()):
            return Found(UNTYPED)
        others = node.get("additionalProperties", node.get("unevaluatedProperties"))
        if isinstance(others, dict) and others:
            return Found(others, optional=True)
        if others is False or (others is None and properties and "patternProperties" not in node):
            return Missing(0, tuple(sorted(properties)))
        return None


def _item(node: dict[str, Any], index: int) -> Found | Missing | None:
    prefix = node.get("prefixItems", ())
    item = prefix[index] if index < len(prefix) else node.get("items")
    if item is False or node.get("maxItems", index + 1) <= index:
        return Missing(0)
    return None if item is None else Found(item, optional=node.get("minItems", 0) <= index)


def _all_of(answers: list[Found | Missing | None]) -> Found | Missing | None:
    """What answers that all hold say together: a declaration wins, then a refusal."""
    found = [answer for answer in answers if isinstance(answer, Found)]
    if not found:
        return _refusal(answers)
    known = [answer.schema for answer in found if not is_untyped(answer.schema)]
    schemas = [schema for schema in known if schema not in ({}, True)] or known[:1] or [UNTYPED]
    schema = {"allOf": schemas} if len(schemas) > 1 else schemas[0]
    return Found(schema, optional=all(answer.optional for answer in found))


def _any_of(answers: list[Found | Missing | None]) -> Found | Missing | None:
    """What answers of which one holds say together: open when one is, optional when one refuses."""
    if None in answers:
        return None
    found = [answer for answer in answers if isinstance(answer, Found)]
    if not found:
        return _refusal(answers)
    optional = len(found) < len(answers) or any(answer.optional for answer in found)
    schema = {"anyOf": [answer.schema for answer in found]} if len(found) > 1 else found[0].schema
    return Found(schema, optional)


def _refusal(answers: list[Found | Missing | None]) -> Missing | None:
    refused = [answer for answer in answers if isinstance(answer, Missing)]
    known = {name for answer in refused for name in answer.known}
    return Missing(0, tuple(sorted(known))) if refused else None
