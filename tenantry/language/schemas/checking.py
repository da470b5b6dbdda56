"""Whether a JSON Schema is one, and safe to run on anybody's input. Validation asks before it accepts one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from jsonschema_rs import Draft202012Validator, FancyRegexOptions, RegexOptions, ValidationError

from tenantry.language.schemas.structure import MAX_EXPANDED, expansion, subschemas
from tenantry.language.schemas.violations import MASK, find_violations
from tenantry.language.values import MAX_DEPTH, pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

PATTERNS: Final = RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20)
"""The linear-time engine, with bounds on what one pattern may compile to."""

_META: Final = Draft202012Validator({"$ref": DIALECT}, offline=True, mask=MASK)

_NOT_LINEAR: Final = (
    "not a pattern that is matched in linear time: no look-around, no back-reference, not too large"
)
_NOT_A_PATTERN: Final = "not a regular expression, or too large a one"
_KEYWORDS_CHECKED: Final = frozenset(
    ("$dynamicRef", "$id", "$ref", "$schema", "pattern", "patternProperties")
)


class SchemaProblem(NamedTuple):
    """One thing wrong with a schema, at a JSON pointer into it."""

    pointer: str
    message: str


class SchemaError(ValueError):
    """A schema is not one, or not safe. Validation finds it first; here it means damaged configuration."""

    code = "schema.refused"

    def __init__(self, problems: tuple[SchemaProblem, ...]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {message}" for pointer, message in problems))
        self.problems = problems


def check(schema: Any) -> tuple[SchemaProblem, ...]:
    """Everything wrong with a schema: JSON Schema 2020-12, and what would make it unsafe or unclear.

    Refused though valid: references to other documents, patterns that need backtracking, references that lead
    back to themselves without going deeper into the value, a size out of proportion once references are
    written out, and an inner `$id`, which moves the base of the references around it.
    """
    if not _is_shallow(schema):
        return (SchemaProblem("", f"nested deeper than {MAX_DEPTH} levels"),)
    return _check_form(schema) or tuple(_check_places(schema)) or tuple(_check_expansion(schema))


def _is_shallow(schema: Any) -> bool:
    level = [schema]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [
            child for item in containers for child in (item.values() if isinstance(item, dict) else item)
        ]
    return not level


def _check_form(schema: Any) -> tuple[SchemaProblem, ...]:
    if _META.is_valid(schema):
        return ()
    return tuple(SchemaProblem(*violation) for violation in find_violations(_META, schema))


def _check_places(schema: Any) -> Iterator[SchemaProblem]:
    """What is wrong with single keywords, of every subschema."""
    places = dict(_places(schema))
    for pointer, node in places.items():
        if isinstance(node, dict) and not _KEYWORDS_CHECKED.isdisjoint(node):
            yield from _check_reference(places, node, pointer)
            yield from _check_identity(node, pointer)
            yield from _check_patterns(node, pointer)


def _places(schema: Any) -> Iterator[tuple[str, Any]]:
    """All subschemas by their pointers, in the order of the document."""
    stack = [("", schema)]
    while stack:
        pointer, node = stack.pop()
        yield pointer, node
        stack += [(pointer + token, child) for token, child in subschemas(node)][::-1]


def _check_reference(
    places: Mapping[str, Any], node: dict[str, Any], pointer: str
) -> Iterator[SchemaProblem]:
    if "$dynamicRef" in node:
        yield SchemaProblem(
            pointer + "/$dynamicRef", "use $ref; a reference resolved while validating is not taken"
        )
    reference = node.get("$ref", "#")
    if not (reference + "/").startswith("#/"):
        message = f"'{reference}' is not inside this schema; copy it to $defs and refer to #/$defs/<name>"
        yield SchemaProblem(pointer + "/$ref", message)
    elif unquote(reference)[1:] not in places:
        # What else is written there, a default or an unknown keyword, is not checked to be a schema.
        message = f"'{reference}' does not lead to a schema in this one, such as #/$defs/<name>"
        yield SchemaProblem(pointer + "/$ref", message)


def _check_identity(node: dict[str, Any], pointer: str) -> Iterator[SchemaProblem]:
    if "$id" in node and pointer:
        yield SchemaProblem(pointer + "/$id", "an inner $id moves the base of the references around it")
    if node.get("$schema", DIALECT).rstrip("#") != DIALECT:
        yield SchemaProblem(pointer + "/$schema", f"only {DIALECT} is taken")


def _check_patterns(node: dict[str, Any], pointer: str) -> Iterator[SchemaProblem]:
    patterns = [(pointer_token(pattern), pattern) for pattern in node.get("patternProperties", ())]
    places = [("/patternProperties" + token, pattern) for token, pattern in patterns]
    if "pattern" in node:
        places.append(("/pattern", node["pattern"]))
    for place, pattern in places:
        if not _compiles(pattern, PATTERNS):
            is_pattern = _compiles(pattern, FancyRegexOptions())
            yield SchemaProblem(pointer + place, _NOT_LINEAR if is_pattern else _NOT_A_PATTERN)


def _compiles(pattern: str, engine: RegexOptions | FancyRegexOptions) -> bool:
    try:
        Draft202012Validator({"pattern": pattern}, pattern_options=engine)
    except ValidationError:
        return False
    return True


def _check_expansion(schema: Any) -> Iterator[SchemaProblem]:
    size, _, loops = expansion(schema)
    if loops:
        yield SchemaProblem("", "a reference leads back to itself without going deeper into the value")
    if size > MAX_EXPANDED:
        yield SchemaProblem("", f"more than {MAX_EXPANDED} subschemas once references are written out")
