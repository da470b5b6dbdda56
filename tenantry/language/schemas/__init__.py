"""JSON Schema 2020-12: whether a schema is safe, what it says about a path, whether one fits another."""

from tenantry.language.schemas.checking import SchemaError, SchemaProblem, check
from tenantry.language.schemas.lookup import Found, Missing, lookup
from tenantry.language.schemas.mismatches import Mismatch, MismatchKind, mismatches
from tenantry.language.schemas.types import types_of
from tenantry.language.schemas.validators import CompiledValidator, compile_validator
from tenantry.language.schemas.violations import Violation

__all__ = [
    "CompiledValidator",
    "Found",
    "Mismatch",
    "MismatchKind",
    "Missing",
    "SchemaError",
    "SchemaProblem",
    "Violation",
    "check",
    "compile_validator",
    "lookup",
    "mismatches",
    "types_of",
]
