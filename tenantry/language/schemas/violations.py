"""What is wrong with a value, in words. Every answer is bounded, whatever the value and the schema are."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jsonschema_rs import ValidationError, ValidationErrorKind

from tenantry.language.values import Json, pointer_token

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

MASK: Final = "\0"
"""What a validator writes in place of the value; no JSON value that was parsed holds it."""

MAX_VIOLATIONS: Final = 100

_MAX_EVALUATIONS: Final = 2_000
_FEW_VISITS: Final = 4  # as many subschemas for each part of a value as usual schemas apply
_MAX_SHOWN: Final = 60
_MAX_MESSAGE: Final = 300


class Violation(NamedTuple):
    """One way in which a value fails a schema.

    Attributes:
        pointer: JSON pointer (RFC 6901) into the value.
        message: what is wrong there, and what was expected.
    """

    pointer: str
    message: str


def find_violations(
    validator: Draft202012Validator, value: Json, recursions: int = 0, visits: int = 1
) -> tuple[Violation, ...]:
    """What is wrong with a value: all of it up to a hundred, or the first when it could be a lot.

    The validator collects all errors before it gives one, 30 microseconds each: a list of 300,000 wrong items
    would take ten seconds, and a schema that is recursive in several places takes time exponential in depth.

    Args:
        validator: made with `MASK`.
        value: what it judges, invalid when the schema is recursive in several places.
        recursions: in how many places its schema leads back to itself.
        visits: at most how many subschemas are applied to one part of the value.
    """
    count, depth = _extent(value)
    is_large = count * max(1, visits // _FEW_VISITS) > _MAX_EVALUATIONS
    if recursions > 1 and (is_large or recursions**depth > _MAX_EVALUATIONS):
        return (Violation("", "does not satisfy the schema, which is too recursive to say where"),)
    if is_large:
        return _first(validator, value)
    errors = islice(validator.iter_errors(value), MAX_VIOLATIONS)
    return tuple(dict.fromkeys(map(_violation, errors)))


def _extent(value: Json) -> tuple[int, int]:
    """How many values a value holds and how deep, counting until it is too many."""
    level: list[Any] = [value]
    count = depth = 0
    while level and count <= _MAX_EVALUATIONS:
        count, depth = count + len(level), depth + 1
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [
            child for item in containers for child in (item.values() if isinstance(item, dict) else item)
        ]
    return count, depth


def _first(validator: Draft202012Validator, value: Json) -> tuple[Violation, ...]:
    try:
        validator.validate(value)
    except ValidationError as error:
        return (_violation(error),)
    return ()


def _violation(error: ValidationError) -> Violation:
    return Violation(
        "".join(map(pointer_token, error.instance_path)), _shorten(_sentence(error), _MAX_MESSAGE)
    )


def _sentence(error: ValidationError) -> str:
    match error.kind:
        case (
            ValidationErrorKind.AnyOf(context=branches) | ValidationErrorKind.OneOfNotValid(context=branches)
        ):
            reasons = dict.fromkeys(_sentence(branch[0]) for branch in branches if branch)
            return f"{_shown(error)} fits no alternative: {'; '.join(reasons)}"
        case ValidationErrorKind.Enum(options=options):
            return f"{_shown(error)} is not one of {', '.join(map(_json, options))}"
        case ValidationErrorKind.FalseSchema():
            return "nothing is allowed here"
    return error.message.replace(MASK, _shown(error))


def _shown(error: ValidationError) -> str:
    return _shorten(_json(error.instance), _MAX_SHOWN)


def _json(value: Any) -> str:
    # The standard library's, because schemas may hold numbers that no value can, and ours refuses them.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
