"""Compiled JSON Schemas: what checks every input and every output while workflows run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator

from tenantry.language.schemas.checking import PATTERNS, SchemaError, check
from tenantry.language.schemas.structure import expansion
from tenantry.language.schemas.violations import MASK, Violation, find_violations
from tenantry.language.schemas.work import FREE_VISITS, MAX_WORK, exceeds, visits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.values import Json


@dataclass(frozen=True, slots=True)
class CompiledValidator:
    """A schema ready to judge values. Made by `compile_validator`, shared by all executions.

    Attributes:
        is_valid: whether a value satisfies the schema. The engine's own function with nothing in between, but
            for a schema of many alternatives: then a value that would take it too long is refused unjudged.
    """

    is_valid: Callable[[Json], bool]
    _validator: Draft202012Validator
    _recursions: int = 0
    _visits: int = FREE_VISITS

    def violations(self, value: Json) -> tuple[Violation, ...]:
        """Every way in which the value fails, at most a hundred; of a very large value the first."""
        if self.is_valid(value):
            return ()
        if self._visits > FREE_VISITS and exceeds(value, MAX_WORK // self._visits):
            return (_too_much(self._visits),)
        return find_violations(self._validator, value, self._recursions, self._visits)


def compile_validator(schema: Any) -> CompiledValidator:
    """Compiles a schema. `format` is an annotation, as the specification has it, and refuses nothing.

    Raises:
        SchemaError: `check` finds problems.
    """
    if problems := check(schema):
        raise SchemaError(problems)
    engine, recursions, count = _engine(schema), expansion(schema).recursions, visits(schema)
    judge = engine.is_valid if count <= FREE_VISITS else _bounded(engine, count)
    return CompiledValidator(judge, engine, recursions, count)


def compile_checked(schema: Any) -> CompiledValidator:
    """Compiles a schema in which `check` finds no problem for small values, at a tenth of the price."""
    engine = _engine(schema)
    return CompiledValidator(engine.is_valid, engine)


def _engine(schema: Any) -> Draft202012Validator:
    return Draft202012Validator(
        schema, pattern_options=PATTERNS, mask=MASK, offline=True, validate_formats=False
    )


def _bounded(engine: Draft202012Validator, count: int) -> Callable[[Json], bool]:
    most, judge = MAX_WORK // count, engine.is_valid
    return lambda value: not exceeds(value, most) and judge(value)


def _too_much(count: int) -> Violation:
    most = MAX_WORK // count
    message = f"is too large for a schema that applies up to {count} subschemas to each part of it"
    return Violation("", f"{message}: at most {most} parts, where 128 characters of text count as one more")
